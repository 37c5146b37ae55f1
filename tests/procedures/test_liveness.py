"""60_lost: attempts whose worker is gone, seen by the lock of its connection."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any

import pytest

from tests.database import Clock, Database
from tests.procedures.calls import Calls


class Crew:
    """A worker on a connection of its own, and who ticks after it."""

    def __init__(self, db: Database, call: Calls, clock: Clock) -> None:
        self.call, self.clock, self.db = call, clock, db
        self.connection = db.connect()
        Calls(self.connection).rows("register_worker", worker="w", queues=["running"])

    def die(self) -> None:
        """Close the connection; the server has noticed when its lock is free."""
        pid = self.connection.info.backend_pid
        self.connection.close()
        deadline = time.monotonic() + 5
        while self.db.rows("select pid from pg_locks where pid = %s", pid):
            assert time.monotonic() < deadline

    def tick_after(self, seconds: float) -> dict[str, int]:
        self.clock.advance(seconds=seconds)
        return {k: v for k, v in self.call.tick().items() if "worker" in k}


@pytest.fixture
def crew(db: Database, call: Calls, noon: Clock) -> Crew:
    return Crew(db, call, noon)


def test_others_are_told_of_jobs_that_come_back_though_the_bell_died_with_the_worker(
    crew: Crew, call: Calls, db: Database
) -> None:
    sleeper = Calls(db.connect())
    sleeper.select("listen forge_due")
    queue = call.running()["queue"]
    crew.die()
    crew.tick_after(1)
    crew.tick_after(0.25)  # less than a second later: the tick looks for due jobs once a second

    (note,) = sleeper.connection.notifies(timeout=5, stop_after=1)
    assert (note.channel, note.payload) == ("forge_due", queue)


def test_the_jobs_of_a_dead_worker_come_back_at_the_second_look(crew: Crew, call: Calls) -> None:
    job = call.running()
    assert crew.tick_after(1) == {}
    crew.die()

    assert crew.tick_after(1) == {"suspect_workers": 1}
    assert call.status(job["id"]) == "PROCESSING"
    assert call.row("list_workers")["alive"] is False
    assert crew.tick_after(0.249) == {"suspect_workers": 1}
    assert call.status(job["id"]) == "PROCESSING"
    assert crew.tick_after(0.001) == {"lost_workers": 1, "jobs_of_lost_workers": 1}

    after = call.job(job["id"])
    assert (after["status"], after["attempts"]) == ("PENDING", 1)
    assert after["scheduled_at"] == crew.clock.now
    assert (after["errors"][0]["error_type"], after["errors"][0]["error"]) == (
        "WorkerLost",
        "the worker is gone",
    )
    assert call.rows("list_workers") == []
    call.refusal("JQ002", "complete", id=job["id"], lease=job["lease"])


def test_a_dead_workers_job_to_be_cancelled_is_cancelled(crew: Crew, call: Calls) -> None:
    job = call.running(max_retries=0)
    call.rows("cancel", id=job["id"])
    other = call.running(max_retries=0)
    crew.die()
    crew.tick_after(1)
    crew.tick_after(1)

    assert [call.status(j["id"]) for j in (job, other)] == ["CANCELLED", "DEAD"]


def test_a_worker_that_lives_is_left_alone(crew: Crew, call: Calls) -> None:
    job = call.running()

    for _ in range(5):
        assert crew.tick_after(10) == {}

    assert call.status(job["id"]) == "PROCESSING"
    assert call.row("list_workers")["alive"] is True


def test_a_worker_that_reconnects_in_time_keeps_its_jobs(
    crew: Crew, call: Calls, db: Database
) -> None:
    job = call.running()
    crew.die()
    crew.tick_after(1)
    again = db.connect()
    Calls(again).rows("register_worker", worker="w", queues=["running"])

    assert crew.tick_after(1) == {}
    assert call.status(job["id"]) == "PROCESSING"
    assert call.row("list_workers")["alive"] is True


def test_only_the_jobs_of_the_dead_worker_come_back(crew: Crew, call: Calls) -> None:
    lost = call.running()
    call.enqueue()
    others: list[dict[str, Any]] = call.rows("dequeue", worker="someone else")
    call.enqueue()
    others += call.rows("dequeue", worker=None)
    crew.die()
    crew.tick_after(1)
    crew.tick_after(1)

    assert [call.status(j["id"]) for j in (lost, *others)] == [
        "PENDING",
        "PROCESSING",
        "PROCESSING",
    ]


def test_a_worker_that_ticks_does_not_take_itself_for_dead(db: Database, call: Calls) -> None:
    call.rows("register_worker", worker="w", queues=["running"])
    job = call.running()
    clock = Clock(call.connection)
    for _ in range(3):
        clock.advance(timedelta(seconds=1))
        call.tick()

    assert call.status(job["id"]) == "PROCESSING"
    call.rows("unregister_worker", worker="w")
