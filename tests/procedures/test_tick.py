"""63_tick: one at a time, each task at its own pace, and nothing to do is nothing done."""

from __future__ import annotations

from tests.database import Clock, Database
from tests.procedures.calls import Calls


def test_a_second_tick_returns_at_once(db: Database, call: Calls, noon: Clock) -> None:
    call.enqueue()
    first = Calls(db.connect(autocommit=False))
    assert first.tick() != {}

    noon.advance(minutes=5)
    assert call.tick() == {}
    first.connection.commit()
    assert call.tick() != {}


def test_nothing_to_do_is_no_rows(db: Database, call: Calls, noon: Clock) -> None:
    # A database of its own: what other tests rolled back lies about as dead rows, and the tick
    # says so.
    call.tick()
    noon.advance(minutes=2)

    assert call.tick() == {}
    assert call.tick() == {}


def test_a_queue_becomes_known_by_its_jobs(call: Calls, noon: Clock) -> None:
    call.enqueue(queue="b")
    call.enqueue(queue="a")
    assert call.rows("list_queues") == []

    assert call.tick()["new_queues"] == 2
    rows = call.rows("list_queues")
    assert [(row["queue"], row["created_at"]) for row in rows] == [("a", noon.now), ("b", noon.now)]


def test_due_queues_are_told_of_each(call: Calls, noon: Clock) -> None:
    call.enqueue(queue="due")
    call.enqueue(queue="later", scheduled_at=noon.now.replace(hour=13))
    call.enqueue(queue="paused")
    call.rows("pause", queue="paused")

    assert call.tick()["due_queues"] == 1
    noon.advance(hours=1)
    assert call.tick()["due_queues"] == 2


def test_a_tick_tells_of_due_jobs_though_no_bell_hangs(
    db: Database, call: Calls, noon: Clock
) -> None:
    sleeper = Calls(db.connect())
    sleeper.select("listen forge_due")
    call.enqueue(scheduled_at=noon.now.replace(hour=13))
    call.tick()
    assert list(sleeper.connection.notifies(timeout=0.1)) == []
    noon.advance(hours=1)

    for _ in range(2):
        call.tick()
        noon.advance(seconds=1)

    notes = list(sleeper.connection.notifies(timeout=5, stop_after=2))
    assert [(note.channel, note.payload) for note in notes] == [("forge_due", "default")] * 2


def test_tallies_are_added_up_about_once_a_second(call: Calls, noon: Clock) -> None:
    call.tick()
    call.completed()
    noon.advance(seconds=0.8)
    assert "tallies" not in call.tick()
    noon.advance(seconds=0.1)
    assert call.tick()["tallies"] == 1


def test_a_clock_that_was_set_back_stops_no_task(call: Calls, noon: Clock) -> None:
    call.tick()
    call.completed()
    noon.advance(hours=-5)

    assert call.tick()["tallies"] == 1


def test_a_tick_that_is_rolled_back_is_done_again(db: Database, call: Calls, noon: Clock) -> None:
    job = call.running()
    noon.advance(minutes=2)
    first = Calls(db.connect(autocommit=False))
    assert first.tick()["expired_leases"] == 1
    first.connection.rollback()

    assert call.status(job["id"]) == "PROCESSING"
    assert call.tick()["expired_leases"] == 1
