"""Keys take turns: shares, order, and where a key goes that has nothing to start."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from psycopg.rows import DictRow

from tests.database import Clock, Database
from tests.procedures.calls import Calls


def fill(call: Calls, key: str | None, jobs: int = 1, **arguments: object) -> list[int]:
    return [call.enqueue(concurrency_key=key, **arguments) for _ in range(jobs)]  # type: ignore[arg-type]


def keys(jobs: list[DictRow]) -> list[str]:
    return sorted(str(job["concurrency_key"]) for job in jobs)


def take(call: Calls, max_jobs: int = 1, **arguments: object) -> list[DictRow]:
    """A claim of keyed jobs; single places go to keyed and other jobs by the toss of a coin."""
    return call.rows("dequeue", **{"max_jobs": max_jobs, "worker": "w", **arguments})


def turns(call: Calls) -> dict[str, datetime]:
    rows = call.select("select key, turn_at from forge.turns")
    found = {row["key"]: row["turn_at"] for row in rows}
    assert len(found) == len(rows), rows
    return found


def test_a_claim_has_the_key_of_its_job(call: Calls) -> None:
    fill(call, "a")

    (job,) = take(call)

    assert job["concurrency_key"] == "a"


def test_a_claim_is_dealt_out_to_the_keys_in_equal_shares(call: Calls) -> None:
    for key in ("a", "b", "c"):
        fill(call, key, 10)

    assert keys(take(call, 6)) == ["a", "a", "b", "b", "c", "c"]


def test_what_a_key_has_no_use_for_goes_to_the_others(call: Calls) -> None:
    fill(call, "a", 10)
    fill(call, "b", 1)

    assert keys(take(call, 8)) == ["a"] * 7 + ["b"]


def test_one_key_alone_gets_the_whole_claim(call: Calls) -> None:
    fill(call, "a", 50)

    assert len({job["id"] for job in take(call, 40)}) == 40
    assert len(take(call, 40)) == 10


def test_single_claims_go_round_the_keys(call: Calls, noon: Clock) -> None:
    for key in ("a", "b", "c"):
        fill(call, key, 3)
        noon.advance(seconds=1)

    order = []
    for _ in range(9):
        order += keys(take(call))
        noon.advance(seconds=1)

    assert order == ["a", "b", "c"] * 3


def test_a_newcomer_waits_for_one_round_and_no_longer(call: Calls, noon: Clock) -> None:
    for key in ("a", "b", "c"):
        fill(call, key, 100)
    take(call, 3)
    noon.advance(seconds=1)
    (small,) = fill(call, "small")
    noon.advance(seconds=1)

    served = [take(call)[0]["id"] for _ in range(4)]

    assert small in served


def test_nobody_gets_ahead_by_a_time_in_the_past(call: Calls, noon: Clock) -> None:
    fill(call, "a")
    noon.advance(seconds=1)
    fill(call, "b", scheduled_at=noon.now - timedelta(days=1))

    assert keys(take(call)) == ["a"]


def test_within_a_key_priority_goes_before_time_and_time_before_id(
    call: Calls, noon: Clock
) -> None:
    late = call.enqueue(concurrency_key="a", scheduled_at=noon.now)
    early = call.enqueue(concurrency_key="a", scheduled_at=noon.now - timedelta(minutes=1))
    urgent = call.enqueue(concurrency_key="a", priority=5)

    assert [take(call)[0]["id"] for _ in range(3)] == [urgent, early, late]


def test_a_key_whose_jobs_are_all_claimed_leaves_the_line(call: Calls) -> None:
    fill(call, "a")
    fill(call, "b", 2)

    take(call, 2)

    assert list(turns(call)) == ["b"]


def test_a_job_scheduled_ahead_is_found_at_its_time(call: Calls, noon: Clock) -> None:
    fill(call, "a")
    fill(call, "a", scheduled_at=noon.now + timedelta(hours=1))

    assert len(take(call, 10)) == 1
    assert turns(call) == {"a": noon.now + timedelta(hours=1)}
    assert take(call, 10) == []
    noon.advance(hours=1)
    assert len(take(call, 10)) == 1


def test_jobs_scheduled_in_falling_order_end_up_with_one_turn(call: Calls, noon: Clock) -> None:
    for minutes in (30, 20, 10):
        fill(call, "a", scheduled_at=noon.now + timedelta(minutes=minutes))
    noon.advance(minutes=10)

    take(call, 10)

    assert turns(call) == {"a": noon.now + timedelta(minutes=10)}


def test_a_low_priority_that_is_due_goes_before_a_high_one_that_is_not(
    call: Calls, noon: Clock
) -> None:
    fill(call, "a", 3, priority=9, scheduled_at=noon.now + timedelta(hours=1))
    (due,) = fill(call, "a")

    assert [job["id"] for job in take(call, 10)] == [due]
    assert turns(call) == {"a": noon.now + timedelta(hours=1)}


def test_a_key_waits_for_the_earliest_of_all_its_priorities(call: Calls, noon: Clock) -> None:
    for number in range(3):
        fill(call, "a", priority=number, scheduled_at=noon.now + timedelta(minutes=number + 1))
    call.select("update forge.turns set turn_at = forge.now()")

    assert take(call) == []

    assert turns(call) == {"a": noon.now + timedelta(minutes=1)}


def test_a_worker_passes_over_keys_whose_types_it_does_not_run(call: Calls) -> None:
    fill(call, "a", 2, type="other")
    (mine,) = fill(call, "b", type="mine")

    assert [job["id"] for job in take(call, 5, types=["mine"])] == [mine]
    assert list(turns(call)) == ["a"]
    assert len(take(call, 5, types=["other"])) == 2


def test_half_of_a_claim_is_for_jobs_without_a_key(call: Calls) -> None:
    fill(call, None, 10)
    fill(call, "a", 10)

    assert keys(take(call, 6)) == ["None"] * 3 + ["a"] * 3


@pytest.mark.parametrize(("keyed", "plain"), [(1, 9), (9, 1)])
def test_what_one_half_has_no_use_for_is_the_others(call: Calls, keyed: int, plain: int) -> None:
    fill(call, "a", keyed)
    fill(call, None, plain)

    assert len(take(call, 8)) == 8


def test_single_places_go_to_both_kinds(call: Calls) -> None:
    call.select("select setseed(0.5)")
    fill(call, None, 40)
    fill(call, "a", 40)

    kinds = keys([take(call)[0] for _ in range(40)])

    assert 8 <= kinds.count("a") <= 32


def test_a_failed_job_comes_back_after_its_backoff(call: Calls, noon: Clock) -> None:
    fill(call, "a")
    (job,) = take(call)

    call.fail(job, retry_in="10 seconds")

    assert take(call) == []
    noon.advance(seconds=10)
    assert take(call)[0]["id"] == job["id"]


@pytest.mark.parametrize("how", ["release", "snooze", "retry", "revive", "lost"])
def test_whoever_makes_a_keyed_job_ready_has_it_found(call: Calls, noon: Clock, how: str) -> None:
    fill(call, "a")
    (job,) = take(call)
    fence = {"id": job["id"], "lease": job["lease"]}
    if how == "release":
        call.rows("release", **fence)
    elif how == "snooze":
        call.rows("snooze", **fence, delay="1 minute")
        noon.advance(minutes=1)
    elif how == "retry":
        call.fail(job, retry_in="1 day")
        call.rows("retry", id=job["id"])
    elif how == "revive":
        call.fail(job, retryable=False)
        call.rows("retry_dead")
    else:
        noon.advance(hours=1)
        call.tick()

    assert [found["id"] for found in take(call)] == [job["id"]]


def test_enqueue_many_calls_each_key_once(call: Calls) -> None:
    call.enqueue_many(
        *({"type": "t", "concurrency_key": key} for key in ("a", "b", "a", "b", "a", None))
    )

    assert sorted(turns(call)) == ["a", "b"]
    assert len(take(call, 10)) == 6


def test_a_paused_queue_keeps_its_keys_waiting(call: Calls) -> None:
    fill(call, "a")
    call.rows("pause", queue="default")

    assert take(call) == []

    call.rows("resume", queue="default")
    assert len(take(call)) == 1


@pytest.mark.parametrize("key", ["", "k" * 201, "a\nb"])
def test_a_key_is_a_name(call: Calls, key: str) -> None:
    detail = call.refusal("JQ001", "enqueue", type="t", concurrency_key=key)

    assert "concurrency_key" in (detail.message_primary or "")


def test_stats_count_jobs_with_keys(call: Calls, noon: Clock) -> None:
    fill(call, "a", 2)
    fill(call, "b", scheduled_at=noon.now + timedelta(hours=1))
    fill(call, None)

    row = call.row("stats", queue="default")

    assert (row["ready"], row["scheduled"]) == (3, 1)


def test_the_tick_tells_of_due_jobs_with_keys(call: Calls, noon: Clock) -> None:
    fill(call, "a", scheduled_at=noon.now + timedelta(hours=1))

    assert "due_queues" not in call.tick()
    noon.advance(hours=1)
    assert call.tick()["due_queues"] == 1


def test_park_sees_due_jobs_with_keys(call: Calls) -> None:
    call.rows("park", queues=["default"])
    assert call.rows("park", queues=["default"]) == []

    fill(call, "a")

    assert [row["park"] for row in call.rows("park", queues=["default"])] == ["default"]
    call.rows("unpark")


def test_a_dropped_queue_leaves_no_turns_behind(call: Calls) -> None:
    fill(call, "a", 3)
    call.rows("set_limits", queue="default", key_rate=5)
    take(call, 2)

    assert call.value("drop_queue", queue="default") is True

    for table in ("jobs", "turns", "lines", "starts", "limits"):
        assert call.select(f"select * from forge.{table}") == [], table


def test_a_line_holds_what_is_live(call: Calls) -> None:
    ids = fill(call, "a", 4)
    done, failed = take(call, 2)
    call.complete(done)
    call.fail(failed, retry_in="1 hour")
    call.rows("cancel", id=ids[2])

    assert [row["id"] for row in call.select("select id from forge.lines order by id")] == [
        ids[1],
        ids[3],
    ]


BIG = """
with made as (
    insert into forge.jobs (
        scheduled_at, created_at, priority, status, queue, type, payload, concurrency_key,
        aside
    )
    select forge.now(), forge.now(), 9, 'PENDING', 'default', 't', '{}', 'big', true
    from generate_series(1, 20000)
    returning id
)
insert into forge.lines (queue, key, id) select 'default', 'big', m.id from made as m
"""


@pytest.mark.parametrize("max_jobs", [1, 10])
def test_a_tenant_with_one_job_is_served_beside_one_with_twenty_thousand(
    db: Database, call: Calls, noon: Clock, max_jobs: int
) -> None:
    fill(call, "big")
    call.select(BIG)
    take(call, max_jobs)
    noon.advance(seconds=1)
    (small,) = fill(call, "small")

    served = [job["id"] for _ in range(2) for job in take(call, max_jobs)]

    assert small in served
    assert len(served) == 2 * max_jobs  # and nothing is held back for it
