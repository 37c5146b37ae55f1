"""12_unique: computed keys, keys of all queues, spent keys, and what a second enqueue does."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from psycopg.types.json import Jsonb

from tests.database import Clock
from tests.procedures.calls import Calls

MINUTE = timedelta(minutes=1)


def test_a_computed_key_is_of_what_it_is_made_from(call: Calls) -> None:
    whole = ["type", "payload"]
    first = call.enqueue("a", payload={"x": 1, "y": {"z": [2]}}, unique_by=whole)

    assert call.enqueue("a", payload={"y": {"z": [2]}, "x": 1}, unique_by=whole) == first
    assert call.enqueue("a", payload={"y": {"z": [2]}, "x": 1}, unique_by=whole[::-1]) == first
    assert call.enqueue("b", payload={"x": 1, "y": {"z": [2]}}, unique_by=whole) != first
    assert call.enqueue("a", payload={"x": 1, "y": {"z": [3]}}, unique_by=whole) != first
    assert call.job(first)["unique_key"].startswith("by:")


def test_a_key_of_named_parts_ignores_the_others(call: Calls) -> None:
    by = ["type", "payload.user.id", "payload.to"]
    first = call.enqueue(payload={"user": {"id": 7, "name": "a"}, "to": "x"}, unique_by=by)

    assert call.enqueue(payload={"user": {"id": 7}, "to": "x", "n": 1}, unique_by=by) == first
    assert call.enqueue(payload={"user": {"id": 8}, "to": "x"}, unique_by=by) != first
    missing = call.enqueue(payload={"to": "x"}, unique_by=by)
    null = call.enqueue(payload={"to": "x", "user": {"id": None}}, unique_by=by)
    assert len({first, missing, null}) == 3


def test_a_key_of_the_queue_and_of_nothing_that_is_there(call: Calls) -> None:
    first = call.enqueue(unique_by=["queue"], unique_scope="global")
    assert call.enqueue("other", unique_by=["queue"], unique_scope="global") == first
    assert call.enqueue(unique_by=["queue"], unique_scope="global", queue="q") != first
    assert call.enqueue(unique_by=["payload.no"]) == call.enqueue(unique_by=["payload.neither"])


def test_a_global_key_is_taken_in_every_queue(call: Calls) -> None:
    job_id = call.enqueue(unique_key="k", unique_scope="global", queue="a")

    assert call.enqueue(unique_key="k", unique_scope="global", queue="b") == job_id
    # A key of a queue is another one.
    assert call.enqueue(unique_key="k", queue="a") != job_id


@pytest.mark.parametrize("scope", ["queue", "global"])
def test_a_key_stays_taken_for_a_while_after_completion(
    call: Calls, noon: Clock, scope: str
) -> None:
    options: dict[str, Any] = {"queue": "q", "unique_key": "k", "unique_scope": scope}
    done = call.completed(**options, unique_for="1 hour")

    # also to who does not ask for it
    assert call.enqueue(**options) == done
    assert call.enqueue(**options, on_conflict="keep", payload={"n": 1}) == done
    assert call.refusal("JQ012", "enqueue", type="t", **options, on_conflict="raise").message_detail
    assert call.enqueue_many({"type": "t", **options}) == [{"id": done, "created": False}]
    assert call.one("select count(*) from forge.jobs") == 0

    noon.advance(hours=1)
    assert call.enqueue(**options) > done


@pytest.mark.parametrize("options", [{}, {"unique_scope": "global"}])
@pytest.mark.parametrize(
    "rule", [{"on_conflict": "replace"}, {"on_conflict": "merge"}, {"debounce": "1 minute"}]
)
def test_what_is_said_while_the_key_is_spent_runs_once_it_is_free(
    call: Calls, noon: Clock, options: dict[str, Any], rule: dict[str, Any]
) -> None:
    options = {"queue": "q", "unique_key": "k", **options}
    done = call.completed(**options, unique_for="1 hour")
    free = noon.now + timedelta(hours=1)

    new = call.enqueue(**options, **rule, payload={"n": 1})
    (again,) = call.enqueue_many({"type": "t", **options, **rule, "payload": {"m": 2}})

    assert new > done
    assert again == {"id": new, "created": False}
    assert call.job(new)["scheduled_at"] == free
    assert call.rows("dequeue", queue="q") == []
    assert call.enqueue(**options) == new  # it holds the key now
    noon.set(free)
    (job,) = call.rows("dequeue", queue="q")
    wanted = {"replace": {"m": 2}, "merge": {"n": 1, "m": 2}}
    assert job["payload"] == wanted.get(rule.get("on_conflict", "keep"), {"n": 1})


def test_a_job_that_waits_for_its_spent_key_is_not_due_before_its_own_time(
    call: Calls, noon: Clock
) -> None:
    call.completed(queue="q", unique_key="k", unique_for="1 hour")
    options: dict[str, Any] = {"queue": "q", "unique_key": "k", "on_conflict": "replace"}
    later = noon.now + timedelta(hours=2)

    job_id = call.enqueue(**options, scheduled_at=later)

    assert call.job(job_id)["scheduled_at"] == later
    assert call.enqueue(**options, debounce="3 hours") == job_id
    assert call.job(job_id)["scheduled_at"] == noon.now + timedelta(hours=3)


def test_a_job_that_waits_for_its_spent_key_waits_in_the_line_of_its_concurrency_key(
    call: Calls, noon: Clock
) -> None:
    options = {"queue": "q", "unique_key": "k", "concurrency_key": "c"}
    call.completed(**options, unique_for="1 hour")
    job_id = call.enqueue(**options, on_conflict="replace")
    assert call.rows("dequeue", queue="q") == []

    noon.advance(hours=1)
    assert [job["id"] for job in call.rows("dequeue", queue="q")] == [job_id]


def test_a_holder_that_runs_while_its_key_is_spent_gives_it_up_and_nothing_is_lost(
    call: Calls, noon: Clock
) -> None:
    """It died, its key was spent by another, and it was brought back."""
    options: dict[str, Any] = {"queue": "q", "unique_key": "k"}
    dead = call.dead(**options)
    call.completed(**options, unique_for="1 hour")
    call.row("retry", id=dead)
    (running,) = call.rows("dequeue", queue="q")
    assert running["id"] == dead

    new = call.enqueue(**options, payload={"n": 2}, on_conflict="replace")

    assert call.job(new)["status"] == "PENDING"
    assert call.job(new)["payload"] == {"n": 2}
    assert call.job(new)["scheduled_at"] == noon.now + timedelta(hours=1)


def test_a_spent_key_is_of_its_scope(call: Calls) -> None:
    done = call.completed(queue="q", unique_key="k", unique_for="1 hour")

    assert call.enqueue(queue="other", unique_key="k") > done
    assert call.enqueue(queue="q", unique_key="k", unique_scope="global") > done


@pytest.mark.parametrize("ending", ["dead", "cancelled"])
def test_a_key_is_spent_by_a_completion_alone(call: Calls, ending: str) -> None:
    ended = getattr(call, ending)(queue="q", unique_key="k", unique_for="1 hour")
    assert call.enqueue(queue="q", unique_key="k") > ended


def test_many_completions_spend_their_keys(call: Calls) -> None:
    for key in ("a", "b", None):
        options = {"unique_key": key, "unique_for": "1 hour"} if key else {}
        call.enqueue(**options)
    jobs = call.rows("dequeue", max_jobs=3)
    ids, leases = [j["id"] for j in jobs], [j["lease"] for j in jobs]
    call.rows("complete_many", ids=ids, leases=leases)

    assert call.enqueue(unique_key="a") == ids[0]
    assert call.enqueue(unique_key="b") == ids[1]


def test_the_tick_forgets_keys_whose_time_is_over(call: Calls, noon: Clock) -> None:
    call.completed(unique_key="k", unique_for="1 hour")
    call.completed(unique_key="l", unique_for="2 hours")
    noon.advance(hours=1)

    assert call.tick()["freed_keys"] == 1
    assert call.one("select unique_key from forge.spent_keys") == "l"


def test_replace_changes_what_the_holder_is_to_do(call: Calls, noon: Clock) -> None:
    job_id = call.enqueue("a", payload={"n": 1}, unique_key="k", priority=1, tags=["x"])
    later = noon.now + MINUTE

    again = call.enqueue(
        "b", payload={"m": 2}, unique_key="k", priority=9, scheduled_at=later, on_conflict="replace"
    )

    job = call.job(job_id)
    assert again == job_id
    assert (job["type"], job["payload"], job["priority"]) == ("b", {"m": 2}, 9)
    assert (job["scheduled_at"], job["tags"]) == (later, ["x"])


def test_merge_adds_to_the_payload_and_leaves_the_rest(call: Calls, noon: Clock) -> None:
    job_id = call.enqueue(payload={"n": 1, "m": 1}, unique_key="k", priority=1)
    noon.advance(seconds=1)

    call.enqueue(payload={"m": 2}, unique_key="k", priority=9, on_conflict="merge")

    job = call.job(job_id)
    assert (job["payload"], job["priority"]) == ({"n": 1, "m": 2}, 1)
    assert job["scheduled_at"] == job["created_at"]


def test_a_merged_payload_is_held_to_limits_and_schema(call: Calls) -> None:
    half = "x" * 600_000
    call.enqueue(payload={"a": half}, unique_key="k")
    call.refusal(
        "JQ005", "enqueue", type="t", payload={"b": half}, unique_key="k", on_conflict="merge"
    )
    call.row(
        "set_schema", type="email", schema={"properties": {"n": {"const": 1}}, "minProperties": 1}
    )
    call.enqueue("email", payload={"n": 1}, unique_key="m")
    call.refusal(
        "JQ014", "enqueue", type="t", payload={"n": 2}, unique_key="m", on_conflict="merge"
    )


def test_a_waiting_holder_is_replaced_too(call: Calls) -> None:
    job_id = call.waiting(unique_key="k")
    assert call.enqueue(unique_key="k", payload={"n": 2}, on_conflict="replace") == job_id
    assert (call.job(job_id)["status"], call.job(job_id)["payload"]) == ("WAITING", {"n": 2})


def test_raise_names_the_holder(call: Calls) -> None:
    job_id = call.enqueue(unique_key="k")
    said = call.refusal("JQ012", "enqueue", type="t", unique_key="k", on_conflict="raise")
    assert said.message_detail == f"id={job_id}"
    call.claim()
    call.refusal("JQ012", "enqueue", type="t", unique_key="k", on_conflict="raise")


@pytest.mark.parametrize(
    "options",
    [
        {"on_conflict": "replace"},
        {"on_conflict": "merge"},
        {"debounce": "1 minute"},
        {"on_conflict": "replace", "unique_scope": "global"},
    ],
)
def test_a_holder_that_runs_gives_up_its_key_and_nothing_is_lost(
    call: Calls, options: dict[str, Any]
) -> None:
    scope = {"unique_scope": options.get("unique_scope")}
    running = call.running(payload={"n": 1}, unique_key="k", unique_for="1 hour", **scope)

    new = call.enqueue(queue="running", payload={"m": 2}, unique_key="k", **options)

    assert new != running["id"]
    assert call.job(running["id"])["unique_key"] is None
    assert call.job(new)["payload"] == {"m": 2}
    assert call.enqueue(queue="running", payload={"l": 3}, unique_key="k", **options) == new
    call.complete(running)
    assert call.one("select count(*) from forge.spent_keys") == 0


def test_each_further_enqueue_puts_a_debounced_job_off(call: Calls, noon: Clock) -> None:
    start = noon.now
    options: dict[str, Any] = {
        "unique_key": "k", "debounce": MINUTE, "debounce_max": "100 seconds",
        "on_conflict": "replace",
    }  # fmt: skip
    job_id = call.enqueue(**options, payload={"n": 1})
    assert call.job(job_id)["scheduled_at"] == start + MINUTE
    noon.advance(seconds=30)
    assert call.enqueue(**options, payload={"n": 2}) == job_id
    assert call.job(job_id)["scheduled_at"] == noon.now + MINUTE

    noon.advance(seconds=30)
    call.enqueue(**options, payload={"n": 3})

    assert call.job(job_id)["scheduled_at"] == start + timedelta(seconds=100)
    assert call.job(job_id)["payload"] == {"n": 3}


def test_a_debounce_that_keeps_runs_the_first_payload_and_never_earlier(
    call: Calls, noon: Clock
) -> None:
    job_id = call.enqueue(unique_key="k", payload={"n": 1}, debounce="1 hour")
    due = call.job(job_id)["scheduled_at"]
    call.enqueue(unique_key="k", payload={"n": 2}, debounce="1 second")

    assert call.job(job_id)["scheduled_at"] == due
    assert call.job(job_id)["payload"] == {"n": 1}
    noon.advance(minutes=30)
    call.enqueue(unique_key="k", debounce="1 hour")
    assert call.job(job_id)["scheduled_at"] == noon.now + timedelta(hours=1)


def test_one_call_may_name_a_key_many_times(call: Calls) -> None:
    def job(n: int, rule: str) -> dict[str, Any]:
        return {"type": "t", "payload": {f"k{n}": n}, "unique_key": "k", "on_conflict": rule}

    rows = call.enqueue_many(
        job(1, "keep"), job(2, "merge"), {"type": "u"}, job(3, "keep"), job(4, "merge")
    )

    assert [row["created"] for row in rows] == [True, False, True, False, False]
    assert len({row["id"] for row in rows}) == 2
    assert call.job(rows[0]["id"])["payload"] == {"k1": 1, "k2": 2, "k4": 4}


def test_computed_keys_in_one_call(call: Calls) -> None:
    def job(to: str) -> dict[str, Any]:
        return {"type": "t", "payload": {"to": to}, "unique_by": ["type", "payload.to"]}

    rows = call.enqueue_many(job("b"), job("a"), job("b"))
    assert [row["created"] for row in rows] == [True, True, False]
    assert rows[2]["id"] == rows[0]["id"]


def test_one_call_takes_a_running_holders_key_once(call: Calls) -> None:
    running = call.running(unique_key="k")
    job = {"type": "t", "queue": "running", "unique_key": "k", "on_conflict": "replace"}

    first, second = call.enqueue_many({**job, "payload": {"n": 1}}, {**job, "payload": {"n": 2}})

    assert (first["created"], second["created"]) == (True, False)
    assert first["id"] == second["id"] != running["id"]
    assert call.job(first["id"])["payload"] == {"n": 2}


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"unique_key": "k", "unique_by": ["type"]}, "unique_by"),
        ({"unique_by": []}, "unique_by"),
        ({"unique_by": ["types"]}, "unique_by"),
        ({"unique_by": ["payload."]}, "unique_by"),
        ({"unique_by": ["type", None]}, "unique_by"),
        ({"unique_by": ["type"] * 21}, "unique_by"),
        ({"unique_scope": "global"}, "unique_key"),
        ({"on_conflict": "replace"}, "unique_key"),
        ({"debounce": "1 second"}, "unique_key"),
        ({"unique_for": "1 second"}, "unique_key"),
        ({"unique_key": "k", "unique_scope": "all"}, "unique_scope"),
        ({"unique_key": "k", "unique_for": "0"}, "unique_for"),
        ({"unique_key": "k", "unique_for": "11 years"}, "unique_for"),
        ({"unique_key": "k", "on_conflict": "drop"}, "on_conflict"),
        ({"unique_key": "k", "debounce": "-1 second"}, "debounce"),
        ({"unique_key": "k", "debounce": "2 years"}, "debounce"),
        ({"unique_key": "k", "debounce_max": "1 second"}, "debounce_max"),
        ({"unique_key": "k", "debounce": "2 seconds", "debounce_max": "1 s"}, "debounce_max"),
        (
            {"unique_key": "k", "debounce": "2 s", "scheduled_at": "2030-01-01T00:00:00Z"},
            "scheduled_at",
        ),
        ({"unique_key": "k", "debounce": "2 seconds", "on_conflict": "raise"}, "on_conflict"),
        ({"unique_key": ""}, "unique_key"),
    ],
)
def test_what_makes_no_sense_is_refused(call: Calls, options: dict[str, Any], named: str) -> None:
    for said in (
        call.refusal("JQ001", "enqueue", type="t", **options),
        call.refusal("JQ001", "enqueue_many", jobs=Jsonb([{"type": "t", **options}])),
    ):
        assert said.message_primary == f"{named} is not valid"


def test_a_revival_whose_global_key_is_taken_is_refused(call: Calls) -> None:
    options: dict[str, Any] = {"unique_key": "k", "unique_scope": "global"}
    dead = call.dead(queue="a", **options)
    call.enqueue(queue="b", **options)

    call.refusal("JQ004", "retry", id=dead)
    assert call.rows("retry_dead") == []
    assert call.status(dead) == "DEAD"
