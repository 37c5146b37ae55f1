"""62_latency and 71_latency: how long jobs waited and ran, read from what the history was given."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from psycopg.rows import DictRow

from tests.database import Clock, Database
from tests.procedures.calls import Calls

SHARES = ("p50", "p95", "p99")
STEP = 2**0.5


def ran(call: Calls, clock: Clock, *, wait: float, run: float, queue: str = "q") -> None:
    """A job that waited and ran for so many seconds."""
    call.enqueue(queue=queue)
    clock.advance(seconds=wait)
    job = call.claim(queue=queue)
    clock.advance(seconds=run)
    call.complete(job)


def look(call: Calls, clock: Clock) -> None:
    """Two ticks: the first says up to when, the second reads."""
    for _ in range(2):
        clock.advance(seconds=1)
        call.tick()


def latency(call: Calls, **given: Any) -> DictRow:
    """One row for all of the last five minutes."""
    return call.row("latency", **{"bucket": "5 minutes", **given})


@pytest.fixture
def looking(db: Database, call: Calls, noon: Clock) -> Calls:
    """A database of its own: elsewhere what was rolled back leaves room behind, which is filled."""
    look(call, noon)
    return call


def seconds(row: DictRow, what: str) -> list[float]:
    return [row[f"{what}_{share}"].total_seconds() for share in SHARES]


def test_a_job_is_known_by_how_long_it_waited_and_ran(looking: Calls, noon: Clock) -> None:
    ran(looking, noon, wait=2, run=0.1)
    look(looking, noon)

    row = latency(looking)
    assert (row["queue"], row["jobs"]) == ("*", 1)
    assert all(2 / STEP <= value <= 2 * STEP for value in seconds(row, "wait"))
    assert all(0.1 / STEP <= value <= 0.1 * STEP for value in seconds(row, "run"))


def test_percentiles_tell_most_from_few(looking: Calls, noon: Clock) -> None:
    for number in range(50):
        slow = number == 0
        ran(looking, noon, wait=0.001, run=8 if slow else 0.02)
    look(looking, noon)

    median, p95, p99 = seconds(latency(looking), "run")
    assert 0.02 / STEP <= median <= p95 <= 0.02 * STEP
    assert 8 / STEP <= p99 <= 8 * STEP


def test_each_job_counts_once_however_often_one_looks(looking: Calls, noon: Clock) -> None:
    for _ in range(3):
        ran(looking, noon, wait=0.1, run=0.1)
        look(looking, noon)
    look(looking, noon)

    assert latency(looking)["jobs"] == 3


def test_a_retry_counts_from_the_time_it_was_due_again(looking: Calls, noon: Clock) -> None:
    job = looking.running(queue="q")
    noon.advance(seconds=100)
    again = looking.fail(job, retry_in="30 seconds")
    noon.set(again["scheduled_at"] + timedelta(seconds=1))
    looking.complete(looking.claim(queue="q"))
    look(looking, noon)

    assert seconds(latency(looking), "wait")[0] <= STEP
    assert seconds(latency(looking), "run")[0] <= 0.001


def test_dead_and_cancelled_jobs_do_not_count(looking: Calls, noon: Clock) -> None:
    looking.dead()
    looking.cancelled()
    look(looking, noon)

    assert latency(looking)["jobs"] == 0


def test_queues_are_told_apart(looking: Calls, noon: Clock) -> None:
    ran(looking, noon, wait=1, run=1, queue="a")
    ran(looking, noon, wait=1, run=50, queue="b")
    look(looking, noon)

    rows = looking.rows("latency", bucket="5 minutes", by_queue=True)
    assert [(row["queue"], row["jobs"]) for row in rows] == [("a", 1), ("b", 1)]
    assert latency(looking, queue="a") == rows[0]
    assert rows[0]["run_p50"] < rows[1]["run_p50"]
    assert latency(looking)["jobs"] == 2


def test_there_is_a_row_for_every_span(looking: Calls, noon: Clock) -> None:
    ran(looking, noon, wait=0, run=0.5)
    look(looking, noon)

    rows = looking.rows("latency", since="1 minute", bucket="20 seconds")
    assert [row["at"] - rows[0]["at"] for row in rows] == [
        timedelta(seconds=20 * number) for number in range(4)
    ]
    assert [row["jobs"] for row in rows] == [0, 0, 0, 1]
    assert {row[f"run_{share}"] for row in rows[:3] for share in SHARES} == {None}
    assert looking.rows("latency", since="1 minute", bucket="20 seconds", queue="none")[3] == {
        **rows[0],
        "at": rows[3]["at"],
        "queue": "none",
    }


def test_one_span_as_long_as_all_is_one_row(looking: Calls, noon: Clock) -> None:
    ran(looking, noon, wait=0, run=1)
    look(looking, noon)

    row = latency(looking, since="2 minutes", bucket="1 day")
    assert row["jobs"] == 1
    assert timedelta(minutes=2) <= noon.now - row["at"] < timedelta(minutes=2, seconds=10)


def test_samples_become_coarser_with_time_and_are_kept_for_a_day(
    looking: Calls, noon: Clock
) -> None:
    for _ in range(3):
        ran(looking, noon, wait=0, run=1)
        noon.advance(seconds=29)
    look(looking, noon)
    day = {"since": "1 day", "bucket": "1 day"}
    rows = "select count(*) from forge.latency_samples where queue = 'q' and at > '-infinity'"
    seen = [looking.one(rows)]

    for passed in (18, 115):
        noon.advance(minutes=passed)
        looking.tick()
        seen.append(looking.one(rows))
        assert latency(looking, **day)["jobs"] == 3
    assert seen == [3, 2, 1]

    noon.advance(hours=25)
    looking.tick()
    assert looking.one(rows) == 0


def test_a_queue_without_a_history_has_no_latency(looking: Calls, noon: Clock) -> None:
    looking.rows("set_queue", queue="q", keep_history=False)
    ran(looking, noon, wait=0, run=1)
    look(looking, noon)

    assert latency(looking)["jobs"] == 0


def test_a_dropped_queue_leaves_no_samples(looking: Calls, noon: Clock) -> None:
    ran(looking, noon, wait=0, run=1)
    look(looking, noon)

    assert looking.value("drop_queue", queue="q") is True
    assert looking.select("select from forge.latency_samples where queue = 'q'") == []


def test_of_more_blocks_than_are_read_each_job_stands_for_several(
    looking: Calls, noon: Clock
) -> None:
    looking.select(
        """
        insert into forge.history (
            id, scheduled_at, created_at, attempted_at, finished_at, priority, attempts, revivals,
            status, queue, type, payload
        )
        select
            n, forge.now(), forge.now(), forge.now(), forge.now(), 0, 1, 0, 'COMPLETED', 'q', 't',
            to_jsonb(repeat('x', 1500))
        from generate_series(1, 2000) as n
        """
    )
    look(looking, noon)

    assert 1900 <= latency(looking)["jobs"] <= 2100


def test_days_go_over_into_each_other(db: Database, call: Calls, noon: Clock) -> None:
    noon.set("2030-01-01T23:58:00Z")
    noon.advance(seconds=61)
    call.tick()  # makes the days
    look(call, noon)
    noon.set("2030-01-01T23:59:58Z")
    for _ in range(4):
        ran(call, noon, wait=0.5, run=0.5)
        call.tick()
    look(call, noon)

    assert latency(call)["jobs"] == 4


@pytest.mark.parametrize(
    ("given", "argument"),
    [
        ({"since": "9 seconds"}, "since"),
        ({"since": "1 day", "bucket": "43 seconds"}, "bucket"),
        ({"since": "61 minutes", "by_queue": True}, "since"),
    ],
)
def test_a_span_out_of_range_is_refused(
    given: dict[str, object], argument: str, call: Calls
) -> None:
    diag = call.refusal("JQ001", "latency", **given)
    assert diag.message_primary == f"{argument} is not valid"
