"""13_admission and 17_set_admission: a full queue refuses, defers or drops."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from psycopg.types.json import Jsonb

from tests.database import Clock, Database
from tests.procedures.calls import Calls

QUEUE = {"queue": "q"}


def fill(call: Calls, count: int, **options: Any) -> list[int]:
    return [call.enqueue(**{**QUEUE, **options}) for _ in range(count)]


def look_again(call: Calls, noon: Clock) -> None:
    """The tick's next look at the depths."""
    noon.advance(seconds=1)
    call.tick()


def jobs(count: int, **options: Any) -> Jsonb:
    return Jsonb([{"type": "t", **QUEUE, **options}] * count)


def test_a_full_queue_refuses_and_says_when_to_come_back(call: Calls, noon: Clock) -> None:
    call.row("set_admission", **QUEUE, max_depth=2)
    fill(call, 2)

    said = call.refusal("JQ013", "enqueue", type="t", **QUEUE)

    assert said.message_detail == "queue=q max_depth=2 retry_after=2"
    assert call.one("select count(*) from forge.jobs") == 2
    assert call.enqueue()  # another queue


def test_retry_after_goes_by_the_pace_of_the_last_minute(call: Calls, noon: Clock) -> None:
    call.row("set_admission", **QUEUE, max_depth=1)
    fill(call, 1)
    call.select("update forge.admissions set max_depth = 100, depth = 1000")
    for ended, seconds in ((0, 60), (1, 60), (6, 10), (1000, 1)):
        call.select("delete from forge.throughput_samples")
        call.select(
            "insert into forge.throughput_samples (at, queue, completed) "
            "values (forge.now(), 'q', %s)",
            ended,
        )
        said = call.refusal("JQ013", "enqueue", type="t", **QUEUE)
        assert said.message_detail == f"queue=q max_depth=100 retry_after={seconds}"


def test_room_that_was_made_is_seen_at_the_next_look(call: Calls, noon: Clock) -> None:
    call.row("set_admission", **QUEUE, max_depth=2)
    fill(call, 2)
    call.claim(**QUEUE)
    call.refusal("JQ013", "enqueue", type="t", **QUEUE)

    look_again(call, noon)

    assert call.row("list_admissions")["depth"] == 1
    fill(call, 1)
    call.refusal("JQ013", "enqueue", type="t", **QUEUE)


def test_jobs_scheduled_ahead_and_of_any_priority_count(call: Calls, noon: Clock) -> None:
    fill(call, 1, scheduled_at="2040-01-01Z", priority=3)
    fill(call, 1, scheduled_at="2040-01-01Z", priority=-3)
    call.enqueue(queue="other")
    row = call.row("set_admission", **QUEUE, max_depth=3)
    assert (row["depth"], row["on_full"], row["sampled_at"]) == (2, "reject", noon.now)
    fill(call, 1, scheduled_at="2040-01-01Z")
    call.refusal("JQ013", "enqueue", type="t", **QUEUE)


def test_many_are_refused_together(call: Calls, noon: Clock) -> None:
    call.row("set_admission", **QUEUE, max_depth=5)

    call.refusal("JQ013", "enqueue_many", jobs=jobs(6))
    assert call.one("select count(*) from forge.jobs") == 0
    look_again(call, noon)
    assert len(call.rows("enqueue_many", jobs=jobs(5))) == 5
    call.refusal("JQ013", "enqueue_many", jobs=jobs(1))
    assert call.row("list_admissions")["depth"] == 5


def test_a_full_queue_defers(call: Calls, noon: Clock) -> None:
    call.row("set_admission", **QUEUE, max_depth=1, on_full="defer", defer_for="5 minutes")
    (first,) = fill(call, 1)
    (deferred,) = fill(call, 1)

    assert call.job(first)["scheduled_at"] == noon.now
    assert call.job(deferred)["scheduled_at"] == noon.now + timedelta(minutes=5)
    # what was put off does not have the next one put off, nor is what is scheduled ahead
    call.claim(**QUEUE)
    look_again(call, noon)
    (next_one,) = fill(call, 1)
    assert call.job(next_one)["scheduled_at"] == noon.now
    (ahead,) = fill(call, 1, scheduled_at="2040-01-01Z")
    assert call.job(ahead)["scheduled_at"].year == 2040


def test_of_many_those_beyond_are_deferred(call: Calls, noon: Clock) -> None:
    call.row("set_admission", **QUEUE, max_depth=2, on_full="defer")
    ids = [row["id"] for row in call.rows("enqueue_many", jobs=jobs(3))]
    due = [call.job(job_id)["scheduled_at"] - noon.now for job_id in ids]
    assert due == [timedelta(0), timedelta(0), timedelta(minutes=1)]


def test_explain_says_that_a_job_was_deferred(call: Calls, noon: Clock) -> None:
    call.row("set_admission", **QUEUE, max_depth=1, on_full="defer", defer_for="5 minutes")
    first, deferred = fill(call, 2)

    def reasons(job_id: int) -> dict[str, Any]:
        return {row["code"]: row for row in call.rows("explain", id=job_id)}

    assert "deferred" not in reasons(first)
    reason = reasons(deferred)["deferred"]
    assert "the queue q was full" in reason["sentence"]
    assert (reason["detail"]["queue"], reason["detail"]["max_depth"]) == ("q", 1)

    call.row("edit", id=deferred, scheduled_at="2040-01-01Z")  # by somebody's own wish
    assert "deferred" not in reasons(deferred)
    noon.advance(minutes=5)
    call.tick()
    assert call.one("select count(*) from forge.deferrals") == 0


def test_a_full_queue_drops_its_oldest_job(call: Calls, noon: Clock) -> None:
    call.row("set_admission", **QUEUE, max_depth=2, on_full="drop_oldest")
    urgent, oldest = fill(call, 1, priority=9)[0], fill(call, 1)[0]
    noon.advance(seconds=1)

    (new,) = fill(call, 1)

    assert [call.status(i) for i in (urgent, oldest, new)] == ["PENDING", "CANCELLED", "PENDING"]
    (error,) = call.job(oldest)["errors"]
    assert (error["error_type"], str(new) in error["error"]) == ("queue_full", True)
    assert call.one("select sum(cancelled) from forge.tallies") == 1
    # then the next oldest, and the urgent ones last
    fill(call, 1)
    assert call.status(new) == "CANCELLED"
    assert call.row("list_admissions")["depth"] == 2


def test_a_job_that_runs_is_never_dropped(call: Calls) -> None:
    call.row("set_admission", **QUEUE, max_depth=1, on_full="drop_oldest")
    running = call.running(**QUEUE)
    (new,) = fill(call, 1)
    assert (call.status(running["id"]), call.status(new)) == ("PROCESSING", "PENDING")


def keyed(call: Calls, key: str) -> int:
    """A PENDING job with a concurrency_key."""
    (job_id,) = fill(call, 1)
    call.select(
        "update forge.jobs set concurrency_key = %s, aside = true where id = %s", key, job_id
    )
    return job_id


def test_jobs_with_a_concurrency_key_count(call: Calls) -> None:
    keyed(call, "a")
    fill(call, 1)
    assert call.row("set_admission", **QUEUE, max_depth=5)["depth"] == 2
    assert call.row("set_admission", **QUEUE, max_depth=1)["depth"] == 1


def test_a_job_makes_room_among_those_of_its_own_key(call: Calls) -> None:
    plain = fill(call, 1)[0]
    a, b = keyed(call, "a"), keyed(call, "b")

    def drop_for(key: str | None) -> None:
        call.select(
            "select forge._drop_oldest(jsonb_populate_record(null::forge.jobs, %s), forge.now())",
            Jsonb({"id": 0, "queue": "q", "concurrency_key": key}),
        )

    drop_for("b")
    assert [call.status(i) for i in (plain, a, b)] == ["PENDING", "PENDING", "CANCELLED"]
    drop_for("b")  # it has no other
    assert call.status(plain) == "CANCELLED"
    drop_for(None)
    assert call.status(a) == "CANCELLED"
    drop_for(None)


def test_many_drop_as_many(call: Calls) -> None:
    call.row("set_admission", **QUEUE, max_depth=3, on_full="drop_oldest")
    old = fill(call, 3)
    new = [row["id"] for row in call.rows("enqueue_many", jobs=jobs(2))]
    assert [call.status(i) for i in old] == ["CANCELLED", "CANCELLED", "PENDING"]
    assert [call.status(i) for i in new] == ["PENDING", "PENDING"]


def test_what_is_there_already_is_let_be(call: Calls, noon: Clock) -> None:
    call.row("set_admission", **QUEUE, max_depth=1)
    (job_id,) = fill(call, 1, unique_key="k")

    assert call.enqueue(**QUEUE, unique_key="k") == job_id
    call.refusal("JQ013", "enqueue", type="t", **QUEUE, unique_key="other")
    # a retry comes back into a queue that is full by now
    failed = call.claim(**QUEUE)
    look_again(call, noon)
    fill(call, 1)
    assert call.fail(failed)["status"] == "PENDING"


def test_what_a_schedule_makes_is_always_taken_in(call: Calls) -> None:
    call.row("set_admission", **QUEUE, max_depth=1)
    fill(call, 1)
    call.select(
        "select forge._enqueue(forge._new_job(%s), forge.now())",
        Jsonb({"type": "t", **QUEUE, "schedule": "nightly"}),
    )
    assert call.one("select count(*) from forge.jobs") == 2


def test_settings_are_kept_changed_and_taken_away(call: Calls, noon: Clock) -> None:
    call.row("set_admission", **QUEUE, max_depth=5, on_full="defer", defer_for="1 hour")
    row = call.row("set_admission", **QUEUE, max_depth=6)
    assert (row["max_depth"], row["on_full"], row["defer_for"]) == (6, "defer", timedelta(hours=1))
    row = call.row("set_admission", **QUEUE, unset=["on_full", "defer_for"])
    assert (row["on_full"], row["defer_for"]) == ("reject", timedelta(minutes=1))
    assert call.row("list_admissions") == row

    gone = call.row("set_admission", **QUEUE, unset=["max_depth"])

    assert {name: value for name, value in gone.items() if value is not None} == QUEUE
    assert call.rows("list_admissions") == []
    fill(call, 10)


def test_a_dropped_queue_takes_in_any_number_again(call: Calls) -> None:
    call.row("set_admission", **QUEUE, max_depth=1)
    assert call.value("drop_queue", **QUEUE) is True
    assert call.rows("list_admissions") == []


def test_counters_are_used_again(call: Calls) -> None:
    for queue in ("a", "b"):
        call.row("set_admission", queue=queue, max_depth=1)
    call.row("set_admission", queue="a", unset=["max_depth"])
    call.row("set_admission", queue="c", max_depth=2)
    used = call.select("select queue, counter from forge.admissions order by queue")
    assert [(row["queue"], row["counter"]) for row in used] == [("b", 2), ("c", 1)]
    assert [call.enqueue(queue="c"), call.enqueue(queue="c")]
    call.refusal("JQ013", "enqueue", type="t", queue="c")


@pytest.mark.parametrize(
    "arguments",
    [
        {"queue": ""},
        {"max_depth": None},
        {"max_depth": 0},
        {"max_depth": 1_000_001},
        {"max_depth": 5, "on_full": "block"},
        {"max_depth": 5, "defer_for": "0"},
        {"max_depth": 5, "defer_for": "2 years"},
        {"max_depth": 5, "unset": ["depth"]},
    ],
)
def test_settings_out_of_range_are_refused(call: Calls, arguments: dict[str, Any]) -> None:
    call.refusal("JQ001", "set_admission", **{**QUEUE, **arguments})
    assert call.rows("list_admissions") == []


def test_only_the_queues_and_types_that_ask_something_are_looked_at(call: Calls) -> None:
    def is_open(queue: str, type: str) -> bool:
        return bool(call.one("select forge._is_open(%s, %s)", queue, type))

    hostile = "o'clock \\ $1 {\"}"
    call.row("set_admission", queue=hostile, max_depth=1)
    call.row("set_schema", type=hostile, schema={})
    assert [is_open(hostile, "t"), is_open("q", hostile), is_open("q", "t")] == [False, False, True]
    call.row("set_admission", queue=hostile, unset=["max_depth"])
    assert [is_open(hostile, "t"), is_open("q", hostile)] == [True, False]
    call.rows("set_schema", type=hostile, schema=None)
    assert "select true" in call.one("select prosrc from pg_proc where proname = '_is_open'")


def test_a_session_that_has_planned_its_enqueue_sees_a_new_limit_at_once(
    db: Database, call: Calls
) -> None:
    other = Calls(db.connect())
    for _ in range(10):  # generic plans
        other.enqueue(queue="q")
        other.enqueue_many({"type": "t", "queue": "q"})
    call.row("set_admission", **QUEUE, max_depth=20)
    other.refusal("JQ013", "enqueue", type="t", **QUEUE)
    call.row("set_admission", **QUEUE, unset=["max_depth"])
    call.row("set_schema", type="t", schema={"type": "string"})
    other.refusal("JQ014", "enqueue_many", jobs=jobs(1))
    assert other.enqueue(queue="q")


def test_a_queue_that_takes_long_to_look_at_is_looked_at_less_often(
    call: Calls, noon: Clock
) -> None:
    call.row("set_admission", **QUEUE, max_depth=5)
    call.select("update forge.admissions set took = '0.1 seconds'")
    look_again(call, noon)
    assert "depths" not in call.tick()
    call.select("update forge.admissions set took = '0.1 seconds'")
    noon.advance(seconds=2)
    assert call.tick()["depths"] == 1
