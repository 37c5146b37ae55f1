"""71_stats: bounded numbers, and what happened in each span of time."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.database import Clock
from tests.procedures.calls import Calls


def test_the_numbers_of_a_queue(call: Calls, noon: Clock) -> None:
    early = noon.now - timedelta(minutes=3)
    call.completed(queue="q")
    call.dead(queue="q")
    call.cancelled(queue="q")
    call.running(queue="q")
    call.waiting(queue="q")
    call.enqueue(queue="q", scheduled_at=early)
    call.enqueue(queue="q", priority=5)
    call.enqueue(queue="q", scheduled_at=noon.now + timedelta(seconds=1))
    call.enqueue(queue="other")
    call.rows("pause", queue="q")

    assert call.rows("stats", queue="q") == [
        {
            "queue": "q",
            "paused": True,
            "waiting": 1,
            "scheduled": 1,
            "ready": 2,
            "processing": 1,
            "dead": 1,
            "completed": 1,
            "cancelled": 1,
            "failed": 1,
            "oldest_ready_at": early,
            "capped": False,
            "counted_to": 10_000,
        }
    ]
    assert [row["queue"] for row in call.rows("stats")] == ["other", "q"]


def test_a_queue_nobody_used_has_no_numbers(call: Calls) -> None:
    assert call.rows("stats", queue="none") == call.rows("stats") == []


def test_an_idle_queue_has_nothing_ready(call: Calls) -> None:
    call.completed()

    row = call.row("stats")
    assert (row["ready"], row["oldest_ready_at"], row["completed"]) == (0, None, 1)


@pytest.mark.parametrize("status", ["PENDING", "PROCESSING", "WAITING", "DEAD"])
def test_a_number_is_counted_up_to_ten_thousand(status: str, call: Calls) -> None:
    call.enqueue_many(*[{"type": "t"}] * 9_999)
    call.enqueue()
    call.enqueue()
    if status == "PROCESSING":
        for _ in range(11):
            call.rows("dequeue", max_jobs=1000)
    elif status == "WAITING":
        call.select("update forge.jobs set status = 'WAITING', aside = true")
    elif status == "DEAD":
        call.select("""
            insert into forge.dead_jobs (id, scheduled_at, created_at, finished_at, priority,
                attempts, revivals, status, queue, type, payload)
            select id, scheduled_at, created_at, created_at, 0, 1, 0, 'DEAD', queue, type, payload
            from forge.jobs
        """)
        call.select("delete from forge.jobs")
    call.rows("set_queue", queue="default")

    row = call.row("stats", queue="default")

    column = {"PENDING": "ready"}.get(status, status.lower())
    assert (row[column], row["capped"]) == (10_000, True)


def test_one_below_the_bound_is_exact(call: Calls) -> None:
    call.enqueue_many(*[{"type": "t"}] * 9_999)

    row = call.row("stats")
    assert (row["ready"], row["capped"]) == (9_999, False)


def test_throughput_has_a_row_for_every_span(call: Calls, noon: Clock) -> None:
    rows = call.rows("throughput", since="1 minute", bucket="20 seconds")

    assert [row["at"] for row in rows] == [
        noon.now - timedelta(seconds=seconds) for seconds in (60, 40, 20, 0)
    ]
    assert {row["queue"] for row in rows} == {"*"}
    numbers = ("enqueued", "completed", "failed", "dead", "cancelled")
    assert {row[n] for row in rows for n in numbers} == {0}


def test_throughput_of_all_is_the_sum_of_the_queues(call: Calls, noon: Clock) -> None:
    call.completed(queue="a")
    call.completed(queue="b")
    call.dead(queue="b")
    noon.advance(seconds=1)
    call.tick()

    def total(name: str, **given: object) -> int:
        return sum(row[name] for row in call.rows("throughput", **given))

    assert (total("completed"), total("failed"), total("dead")) == (2, 1, 1)
    assert (total("completed", queue="b"), total("dead", queue="a")) == (1, 0)


def test_throughput_queue_by_queue(call: Calls, noon: Clock) -> None:
    call.completed(queue="a")
    call.dead(queue="b")
    noon.advance(seconds=1)
    call.tick()

    rows = call.rows("throughput", by_queue=True)
    assert [(row["queue"], row["completed"], row["dead"]) for row in rows] == [
        ("a", 1, 0),
        ("b", 0, 1),
    ]
    assert {row["enqueued"] for row in rows} == {None}


def test_the_more_queues_there_are_the_less_far_each_is_counted(call: Calls) -> None:
    assert call.rows("stats") == []
    call.select("insert into forge.queues (queue) select 'q' || n from generate_series(1, 99) as n")
    call.enqueue_many(*[{"type": "t", "queue": "q1"}] * 501)

    (row,) = [row for row in call.rows("stats") if row["queue"] == "q1"]
    assert (row["ready"], row["counted_to"], row["capped"]) == (400, 400, True)
    row = call.row("stats", queue="q1")
    assert (row["ready"], row["counted_to"], row["capped"]) == (501, 10_000, False)


SPAN = "use 10 seconds to 1 day"
SPANS = "use 10 seconds to 1 day, and at most 2000 of them"


@pytest.mark.parametrize(
    ("given", "argument", "hint"),
    [
        ({"since": None}, "since", SPAN),
        ({"since": "9 seconds"}, "since", SPAN),
        ({"since": "25 hours"}, "since", SPAN),
        ({"bucket": None}, "bucket", SPANS),
        ({"bucket": "9 seconds"}, "bucket", SPANS),
        ({"bucket": "1 month"}, "bucket", SPANS),
        ({"since": "1 day", "bucket": "43 seconds"}, "bucket", SPANS),
    ],
)
def test_a_span_out_of_range_is_refused(
    given: dict[str, object], argument: str, hint: str, call: Calls
) -> None:
    diag = call.refusal("JQ001", "throughput", **given)

    assert diag.message_primary == f"{argument} is not valid"
    assert (diag.message_detail or "").startswith(f"{argument}=")
    assert diag.message_hint == hint


@pytest.mark.parametrize(
    "given",
    [
        {"since": "10 seconds"},
        {"since": "1 day", "bucket": "44 seconds"},
        {"since": "10 seconds", "bucket": "1 day"},
        {"queue": None},
    ],
)
def test_the_last_good_spans_are_taken(given: dict[str, object], call: Calls) -> None:
    assert 1 <= len(call.rows("throughput", **given)) <= 2001
