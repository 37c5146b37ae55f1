"""60_lost: attempts whose lease ended or whose worker is gone."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any

import pytest
from psycopg.rows import DictRow

from tests.database import Clock, Database
from tests.procedures.calls import Calls


def expire(call: Calls, clock: Clock) -> dict[str, int]:
    clock.advance(seconds=60.001)
    return call.tick()


def test_a_lease_ends_after_its_time_and_not_at_it(call: Calls, noon: Clock) -> None:
    job = call.running()
    noon.set(job["lease_expires_at"])
    assert "expired_leases" not in call.tick()
    assert call.status(job["id"]) == "PROCESSING"

    noon.advance(seconds=0.001)
    assert call.tick()["expired_leases"] == 1
    assert call.status(job["id"]) == "PENDING"


def test_the_first_loss_is_retried_at_once_and_later_ones_back_off(
    call: Calls, noon: Clock
) -> None:
    call.enqueue(retry_jitter=0)
    waited = []
    for _ in range(5):
        job = call.claim()
        expire(call, noon)
        scheduled = call.job(job["id"])["scheduled_at"]
        waited.append((scheduled - noon.now).total_seconds())
        noon.set(scheduled)

    assert waited == [0, 5, 10, 20, 40]


def test_a_job_that_kills_its_workers_ends_dead_with_all_losses(call: Calls, noon: Clock) -> None:
    job_id = call.enqueue(max_retries=3)
    attempts = 0
    while claimed := call.rows("dequeue", worker="w"):
        attempts += len(claimed)
        expire(call, noon)
        noon.advance(hours=2)

    assert attempts == 4
    job = call.job(job_id)
    assert job["status"] == "DEAD"
    assert [e["attempt"] for e in job["errors"]] == [1, 2, 3, 4]
    assert {(e["error_type"], e["error"]) for e in job["errors"]} == {
        ("LeaseExpired", "the lease ended before the job did")
    }


def test_a_lost_job_that_was_to_be_cancelled_is_cancelled(call: Calls, noon: Clock) -> None:
    job = call.running()
    call.rows("cancel", id=job["id"])

    expire(call, noon)

    assert call.status(job["id"]) == "CANCELLED"
    stats = call.row("stats", queue="running")
    assert (stats["failed"], stats["cancelled"]) == (1, 1)


def test_a_heartbeat_in_time_keeps_the_job(call: Calls, noon: Clock) -> None:
    job = call.running()
    for _ in range(5):
        noon.advance(seconds=50)
        call.rows("heartbeat", worker="w", ids=[job["id"]], leases=[job["lease"]])
        call.tick()

    assert call.complete(job) is True


def test_a_tick_ends_at_most_a_thousand_leases(call: Calls, noon: Clock) -> None:
    call.enqueue_many(*[{"type": "t"}] * 1001)
    for _ in range(2):
        call.rows("dequeue", max_jobs=1000)

    assert expire(call, noon)["expired_leases"] == 1000
    assert call.tick()["expired_leases"] == 1


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
        while self.db.rows("select from pg_locks where pid = %s", pid):
            assert time.monotonic() < deadline

    def tick_after(self, seconds: float) -> dict[str, int]:
        self.clock.advance(seconds=seconds)
        return {k: v for k, v in self.call.tick().items() if "worker" in k}


@pytest.fixture
def crew(db: Database, call: Calls, noon: Clock) -> Crew:
    return Crew(db, call, noon)


def job_of(call: Calls, **given: object) -> DictRow:
    return call.running(**given)


def test_the_jobs_of_a_dead_worker_come_back_at_the_second_look(crew: Crew, call: Calls) -> None:
    job = job_of(call)
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
    job = job_of(call, max_retries=0)
    call.rows("cancel", id=job["id"])
    other = job_of(call, max_retries=0)
    crew.die()
    crew.tick_after(1)
    crew.tick_after(1)

    assert [call.status(j["id"]) for j in (job, other)] == ["CANCELLED", "DEAD"]


def test_a_worker_that_lives_is_left_alone(crew: Crew, call: Calls) -> None:
    job = job_of(call)

    for _ in range(5):
        assert crew.tick_after(10) == {}

    assert call.status(job["id"]) == "PROCESSING"
    assert call.row("list_workers")["alive"] is True


def test_a_worker_that_reconnects_in_time_keeps_its_jobs(
    crew: Crew, call: Calls, db: Database
) -> None:
    job = job_of(call)
    crew.die()
    crew.tick_after(1)
    again = db.connect()
    Calls(again).rows("register_worker", worker="w", queues=["running"])

    assert crew.tick_after(1) == {}
    assert call.status(job["id"]) == "PROCESSING"
    assert call.row("list_workers")["alive"] is True


def test_only_the_jobs_of_the_dead_worker_come_back(crew: Crew, call: Calls) -> None:
    lost = job_of(call)
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
