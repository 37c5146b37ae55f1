"""21_lanes: claims begin where the jobs do, and miss none."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest

from tests.database import Clock, Database
from tests.procedures.calls import Calls

SECOND = timedelta(seconds=1)


@pytest.fixture
def busy(db: Database, call: Calls, noon: Clock) -> Calls:
    """A database in which many jobs have ended a moment ago; a tick has seen it once."""
    call.complete(call.running(queue="default", type="first"))
    call.tick()
    call.select("update forge.throughput_samples set completed = 20000 where queue = 'default'")
    return call


def lanes(call: Calls) -> list[dict[str, Any]]:
    return [
        dict(row)
        for row in call.select(
            "select l.high, l.low, nullif(l.floor, '-infinity') as floor, l.sticky "
            "from forge.queues as q, unnest(q.lanes) as l where q.queue = 'default'"
        )
    ]


def floor(call: Calls, priority: int = 0) -> Any:
    (found,) = (lane["floor"] for lane in lanes(call) if lane["low"] == priority == lane["high"])
    return found


def sticky(call: Calls) -> bool:
    return any(lane["sticky"] for lane in lanes(call))


def next_tick(call: Calls, clock: Clock) -> dict[str, int]:
    clock.advance(SECOND)
    return call.tick()


def tick_until(call: Calls, clock: Clock, condition: Callable[[], bool]) -> None:
    """A tick knows only what had ended by the one before, in all databases of the server."""
    for _ in range(200):
        next_tick(call, clock)
        if condition():
            return
    raise AssertionError("ticked in vain")


def test_a_queue_gets_lanes_when_many_jobs_end_and_loses_them_later(
    busy: Calls, noon: Clock
) -> None:
    for priority in (7, 0, 0, -3):
        busy.enqueue(priority=priority)

    assert next_tick(busy, noon)["lanes"] == 1
    found = lanes(busy)
    assert [(lane["high"], lane["low"]) for lane in found] == [
        (32767, 8),
        (7, 7),
        (6, 1),
        (0, 0),
        (-1, -2),
        (-3, -3),
        (-4, -32768),
    ]

    for _ in range(130):
        tasks = next_tick(busy, noon)
    assert "lanes" not in tasks
    assert lanes(busy) == []


def test_the_floor_is_where_the_first_job_lies_and_never_above_what_is_certain(
    busy: Calls, noon: Clock
) -> None:
    first = busy.enqueue()
    noon.advance(SECOND)
    busy.enqueue()
    at = busy.job(first)["scheduled_at"]
    tick_until(busy, noon, lambda: floor(busy) == at)
    for _ in range(3):
        next_tick(busy, noon)
    assert floor(busy) == at

    for job in busy.rows("dequeue", max_jobs=2):
        busy.complete(job)
    tick_until(busy, noon, lambda: bool(floor(busy) > at))
    assert floor(busy) < noon.now


def test_the_order_is_the_same_with_lanes(busy: Calls, noon: Clock) -> None:
    expected = []
    for n in range(60):
        priority, ahead = n * 37 % 7 - 3, timedelta(seconds=n * 11 % 13)
        at = noon.now - ahead
        expected.append((-priority, at, busy.enqueue(priority=priority, scheduled_at=at)))
    busy.enqueue(priority=5, scheduled_at=noon.now + timedelta(hours=1))
    next_tick(busy, noon)
    next_tick(busy, noon)
    assert len(lanes(busy)) > 7

    claimed = [row for _ in range(9) for row in busy.rows("dequeue", max_jobs=7)]

    assert [row["id"] for row in claimed] == [id for *_, id in sorted(expected)]


def test_a_priority_without_a_lane_is_seen_at_once(busy: Calls, noon: Clock) -> None:
    busy.enqueue()
    next_tick(busy, noon)
    low, high, middle = (busy.enqueue(priority=p) for p in (-9, 9, 1))

    assert [busy.claim()["id"] for _ in range(2)] == [high, middle]
    assert busy.claim()["priority"] == 0
    assert busy.claim()["id"] == low


def test_a_vacuum_is_asked_for_now_and_then_while_it_would_help(busy: Calls, noon: Clock) -> None:
    assert not any("vacuum" in next_tick(busy, noon) for _ in range(25))  # 20,000 dead rows

    asked: list[datetime] = []
    for _ in range(300):
        busy.select(
            "insert into forge.throughput_samples (at, queue, completed) "
            "values (date_bin('10 seconds', forge.now(), 'epoch'), 'default', 30000) "
            "on conflict (at, queue) do nothing"
        )
        if "vacuum" in next_tick(busy, noon):
            asked.append(noon.now)
    assert len(asked) > 1
    assert all(later - earlier >= timedelta(seconds=10) for earlier, later in pairwise(asked))


def test_a_vacuum_is_asked_only_of_who_may(db: Database, busy: Calls, noon: Clock) -> None:
    busy.select("update forge.throughput_samples set completed = 30000 where queue = 'default'")
    busy.select(f"create role {db.name}_worker login in role forge_worker")
    worker = db.connect(user=f"{db.name}_worker")
    busy.select(f"grant usage on schema forge_test to {db.name}_worker")
    try:
        for _ in range(20):
            noon.advance(SECOND)
            assert "vacuum" not in Calls(worker).tick()
    finally:
        worker.close()
        busy.select(f"drop owned by {db.name}_worker; drop role {db.name}_worker")


@pytest.fixture
def job_below(busy: Calls, noon: Clock) -> int:
    """A job that lies below the floor of its lane."""
    busy.enqueue()
    next_tick(busy, noon)
    busy.complete(busy.claim())
    tick_until(busy, noon, lambda: floor(busy) is not None)
    late = busy.enqueue(scheduled_at=noon.now - timedelta(minutes=5))
    assert floor(busy) > busy.job(late)["scheduled_at"]
    return late


def test_a_job_below_the_floor_is_found_by_the_next_sweep(
    busy: Calls, noon: Clock, job_below: int
) -> None:
    assert busy.rows("dequeue") == []
    next_tick(busy, noon)
    assert floor(busy) == busy.job(job_below)["scheduled_at"]
    assert busy.claim()["id"] == job_below


def test_a_job_given_back_is_claimed_again(busy: Calls, noon: Clock) -> None:
    busy.enqueue()
    next_tick(busy, noon)
    job = busy.claim()
    for _ in range(3):
        next_tick(busy, noon)
    busy.rows("release", id=job["id"], lease=job["lease"])

    next_tick(busy, noon)

    assert busy.claim()["id"] == job["id"]


def test_what_a_transaction_commits_late_is_above_the_floor(
    db: Database, busy: Calls, noon: Clock
) -> None:
    busy.enqueue()
    next_tick(busy, noon)
    writing = db.connect(autocommit=False)
    late = Calls(writing).enqueue()
    noon.advance(SECOND)
    busy.enqueue()
    for _ in range(3):
        next_tick(busy, noon)
    for _ in range(2):
        busy.complete(busy.claim())
    next_tick(busy, noon)

    writing.commit()

    assert busy.claim()["id"] == late


def test_a_transaction_that_never_ends_does_not_hold_the_floor(
    db: Database, busy: Calls, noon: Clock
) -> None:
    writing = db.connect(autocommit=False)
    late = Calls(writing).enqueue()
    noon.advance(SECOND)
    busy.enqueue()
    for _ in range(10):
        next_tick(busy, noon)
    busy.complete(busy.claim())
    for _ in range(10):
        next_tick(busy, noon)
    assert floor(busy) >= noon.now - timedelta(seconds=8)

    writing.commit()
    next_tick(busy, noon)

    assert busy.claim()["id"] == late


@pytest.fixture
def snapshot(db: Database) -> Iterator[None]:
    """Somebody still reads what was there before."""
    reading = db.connect(autocommit=False)
    reading.execute("set transaction isolation level repeatable read")
    reading.execute("select from forge.jobs")
    yield
    reading.rollback()


def test_under_an_open_snapshot_a_session_goes_on_from_where_it_came_to(
    db: Database, busy: Calls, noon: Clock, snapshot: None
) -> None:
    first, second, third = (busy.enqueue() for _ in range(3))
    tick_until(busy, noon, lambda: sticky(busy))
    assert busy.claim()["id"] == first
    noon.advance(SECOND)
    fourth = busy.enqueue()
    assert [busy.claim()["id"] for _ in range(3)] == [second, third, fourth]
    behind = busy.enqueue(scheduled_at=noon.now - SECOND)

    assert busy.rows("dequeue") == []
    noon.advance(seconds=0.2)
    assert busy.claim()["id"] == behind


@pytest.mark.parametrize("garbage", ["", "x", "1 2", "1 2 3", f"{10**18} 9 {10**16}", "a\nb"])
def test_what_a_session_remembers_may_be_anything(
    busy: Calls, noon: Clock, snapshot: None, garbage: str
) -> None:
    job = busy.enqueue()
    tick_until(busy, noon, lambda: sticky(busy))
    busy.select("select set_config('forge.passed', %s, false)", garbage)

    assert busy.claim()["id"] == job


def test_a_queue_with_lanes_is_counted_and_named_as_before(busy: Calls, noon: Clock) -> None:
    for priority in (4, 0, 0):
        busy.enqueue(priority=priority)
    busy.enqueue(scheduled_at=noon.now + timedelta(days=1))
    busy.enqueue(queue="another")
    busy.enqueue(queue="a queue before it")
    before = busy.rows("stats")
    names = busy.select("select n as queue from forge._queue_names() as n")
    next_tick(busy, noon)
    assert lanes(busy)

    assert busy.rows("stats") == before
    assert busy.select("select n as queue from forge._queue_names() as n") == names
    assert [row["queue"] for row in names] == ["a queue before it", "another", "default"]


def test_the_lanes_cover_every_priority_once_however_many_there_are(
    busy: Calls, noon: Clock
) -> None:
    for priority in range(-200, 200, 2):
        busy.enqueue(priority=priority)
    next_tick(busy, noon)

    found = lanes(busy)

    assert len(found) <= 110
    assert (found[0]["high"], found[-1]["low"]) == (32767, -32768)
    assert all(upper["low"] == lower["high"] + 1 for upper, lower in pairwise(found))
    claimed = [busy.claim()["priority"] for _ in range(200)]
    assert claimed == sorted(range(-200, 200, 2), reverse=True)
