"""62_statistics: what happened is tallied, added up and sampled, and never counted."""

from __future__ import annotations

from tests.database import Clock
from tests.procedures.calls import NO_LEASE, Calls

NUMBERS = ("completed", "failed", "dead", "cancelled")


def busy_day(call: Calls, clock: Clock) -> dict[str, int]:
    """Every way to end an attempt or a job, in the queue running; what it adds up to."""
    for _ in range(3):
        call.completed()
    jobs = [call.running() for _ in range(2)]
    given = {"ids": [j["id"] for j in jobs], "leases": [j["lease"] for j in jobs]}
    call.rows("complete_many", **given)
    job = call.running()
    call.rows("exchange", ids=[job["id"]], leases=[job["lease"]], queue="empty")
    call.fail(call.running())
    call.dead()
    call.cancelled(queue="running")
    asked = [call.running() for _ in range(2)]
    for job in asked:
        call.rows("cancel", id=job["id"])
    call.fail(asked[0])
    call.rows("release", id=asked[1]["id"], lease=asked[1]["lease"])
    given_back = call.running()
    call.rows("snooze", id=given_back["id"], lease=given_back["lease"], delay="1 day")
    call.running(max_retries=0)
    clock.advance(seconds=61)
    call.tick()  # lost: failed and dead
    return {"completed": 6, "failed": 4, "dead": 2, "cancelled": 3}


def test_tallies_totals_and_samples_add_up(call: Calls, noon: Clock) -> None:
    expected = busy_day(call, noon)
    noon.advance(seconds=1)
    call.tick()

    assert call.select("select from forge.tallies") == []
    (totals,) = call.select("select * from forge.queue_totals where queue = 'running'")
    rows = call.rows("throughput", queue="running", since="10 minutes")
    assert {n: totals[n] for n in NUMBERS} == expected
    assert {n: sum(row[n] for row in rows) for n in NUMBERS} == expected


def test_stats_are_the_same_before_and_after_a_tick(call: Calls, noon: Clock) -> None:
    busy_day(call, noon)
    before = call.row("stats", queue="running")
    noon.advance(seconds=1)
    call.tick()

    assert call.row("stats", queue="running") == before
    noon.advance(seconds=1)
    call.tick()
    assert call.row("stats", queue="running") == before


def test_what_changed_nothing_is_not_tallied(call: Calls) -> None:
    job = call.running()
    call.rows("complete_many", ids=[job["id"]], leases=[NO_LEASE])
    call.refusal("JQ002", "fail", id=job["id"], lease=NO_LEASE, error="x")
    call.complete(job)
    call.complete(job)

    assert call.one("select sum(completed + failed + dead + cancelled) from forge.tallies") == 1


def test_a_sample_is_of_the_ten_seconds_in_which_it_happened(call: Calls, noon: Clock) -> None:
    first = noon.now
    call.completed()
    noon.advance(seconds=9.999)
    call.completed()
    noon.advance(seconds=0.001)
    second = noon.now
    call.completed()
    noon.advance(seconds=60)
    call.tick()

    rows = call.rows("throughput", queue="running", since="2 minutes")
    assert {row["at"]: row["completed"] for row in rows if row["completed"]} == {
        first: 2,
        second: 1,
    }


def test_what_was_enqueued_is_known_of_all_queues_in_sum(call: Calls, noon: Clock) -> None:
    call.tick()  # up to here: whatever the test's first id is
    noon.advance(seconds=10)
    for queue in ("a", "a", "b"):
        call.enqueue(queue=queue)
    call.tick()

    assert call.rows("throughput")[-1]["enqueued"] == 3
    assert {row["enqueued"] for row in call.rows("throughput", queue="a")} == {None}


def test_samples_of_an_hour_ago_are_those_of_minutes(call: Calls, noon: Clock) -> None:
    for _ in range(2):
        call.completed()
        noon.advance(seconds=20)
        call.tick()
    day = {"since": "1 day", "bucket": "1 hour"}
    before = [
        sum(row["completed"] for row in call.rows("throughput", queue=q, **day))
        for q in ("running", None)
    ]
    noon.advance(minutes=62)
    call.tick()

    rows = call.select(
        "select queue, completed from forge.throughput_samples where completed > 0 order by queue"
    )
    after = [
        sum(row["completed"] for row in call.rows("throughput", queue=q, **day))
        for q in ("running", None)
    ]
    assert rows == [{"queue": "", "completed": 2}, {"queue": "running", "completed": 2}]
    assert before == after == [2, 2]


def test_samples_are_kept_for_a_day(call: Calls, noon: Clock) -> None:
    call.completed()
    noon.advance(seconds=1)
    call.tick()
    day = {"queue": "running", "since": "1 day", "bucket": "1 hour"}

    noon.advance(hours=23)
    call.tick()
    assert sum(row["completed"] for row in call.rows("throughput", **day)) == 1
    noon.advance(hours=3)
    call.tick()
    assert call.select("select from forge.throughput_samples where completed > 0") == []
