"""Attempts that take longer than they may, and handlers that do not stop when they are told to."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from forge import Forge, Job, Snooze
from tests.database import Database
from tests.worker.conftest import Gate, StartWorker
from tests.worker.processes import until

Enqueue = Callable[..., list[int]]


def job_of(db: Database, id: int) -> dict[str, Any]:
    (row,) = db.rows("select * from forge.all_jobs where id = %s", id)
    return row


def failure(db: Database, id: int) -> dict[str, Any]:
    errors = until(lambda: job_of(db, id)["errors"], why="the attempt to fail")
    error: dict[str, Any] = errors[0]
    return error


@pytest.mark.parametrize("type", ["gate", "gate_thread", "deaf_thread", "deaf"])
def test_a_timeout_ends_the_attempt_whatever_the_handler_does(
    db: Database, start: StartWorker, enqueue: Enqueue, gate: Gate, type: str
) -> None:
    (id,) = enqueue(type, timeout="1 second")
    start("--queue", "default=1", "--unwind", "0.2")
    gate.wait_started(1)
    error = failure(db, id)
    assert error["error_type"] == "Timeout"
    assert error["error"] == "the attempt took longer than its timeout of 1 s"
    assert job_of(db, id)["status"] == "PENDING"
    # It backs off like any failure, unlike an attempt whose worker was lost.
    assert job_of(db, id)["scheduled_at"] - job_of(db, id)["created_at"] > timedelta(seconds=5)
    # And its slot has gone on.
    (next_one,) = enqueue("noop")
    until(lambda: job_of(db, next_one)["status"] == "COMPLETED")


def test_where_a_thread_hangs_is_in_the_traceback(
    db: Database, start: StartWorker, enqueue: Enqueue
) -> None:
    (id,) = enqueue("deaf_thread", timeout="1 second")
    start("--unwind", "0.1")
    assert "in deaf_thread" in failure(db, id)["traceback"]


def test_the_timeout_of_the_type_holds_for_jobs_without_one(
    db: Database, start: StartWorker, enqueue: Enqueue
) -> None:
    db.rows("select forge.set_type('gate', timeout => '1 second')")
    (id,) = enqueue("gate")
    start()
    assert failure(db, id)["error_type"] == "Timeout"


def test_a_handler_that_comes_to_its_end_when_told_completes(
    db: Database, start: StartWorker, enqueue: Enqueue, gate: Gate
) -> None:
    (id,) = enqueue("late", timeout="1 second")
    start()
    until(lambda: job_of(db, id)["status"] == "COMPLETED")
    assert (job_of(db, id)["result"], len(gate.notes("told"))) == ("just in time", 1)


@pytest.mark.anyio
async def test_what_a_handler_asks_for_when_told_goes_before(db: Database) -> None:
    async with Forge(db.dsn) as forge:

        @forge.handler("it")
        async def handler(job: Job) -> None:
            import asyncio

            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                raise Snooze(timedelta(hours=1), "came as far as page 7") from None

        id = await forge.enqueue("it", timeout=timedelta(seconds=1))
        await forge.run_worker(drain=True)
    row = job_of(db, id)
    assert (row["status"], row["attempts"], row["errors"]) == ("PENDING", 0, [])
    assert row["progress_note"] == "came as far as page 7"


@pytest.mark.parametrize("type", ["deaf_thread", "deaf"])
def test_a_handler_that_ignores_a_cancellation_is_left_behind_and_fenced(
    db: Database, start: StartWorker, enqueue: Enqueue, gate: Gate, type: str
) -> None:
    (id,) = enqueue(type)
    worker = start("--queue", "default=1", "--unwind", "0.2")
    gate.wait_started(1)
    db.rows("select forge.cancel(%s)", id)
    until(lambda: job_of(db, id)["status"] == "CANCELLED")
    assert job_of(db, id)["errors"][0]["error_type"] == "Abandoned"
    assert worker.said("job.abandoned")
    (next_one,) = enqueue("noop")
    until(lambda: job_of(db, next_one)["status"] == "COMPLETED")

    gate.open()  # its result comes too late
    until(lambda: worker.said("job.returned"))
    assert (job_of(db, id)["status"], job_of(db, id)["result"]) == ("CANCELLED", None)
    (after,) = enqueue("noop")
    until(lambda: job_of(db, after)["status"] == "COMPLETED")


def test_a_worker_that_only_polls_tells_of_a_cancellation_within_two_seconds(
    db: Database, start: StartWorker, enqueue: Enqueue, gate: Gate
) -> None:
    ids = [*enqueue("gate"), *enqueue("gate_thread")]
    start("--no-listen", "--poll-interval", "0.1")  # a heartbeat every 20 s
    gate.wait_started(2)
    asked = time.monotonic()
    for id in ids:
        db.rows("select forge.cancel(%s)", id)
    until(lambda: {job_of(db, id)["status"] for id in ids} == {"CANCELLED"})
    assert time.monotonic() - asked < 2.5


def test_a_worker_with_too_many_left_behind_ends_for_its_supervisor(
    db: Database, start: StartWorker, enqueue: Enqueue, gate: Gate
) -> None:
    ids = enqueue("deaf_thread", 2)
    worker = start(
        "--queue", "default=3", "--unwind", "0.1", "--max-abandoned", "2", "--grace", "20"
    )
    gate.wait_started(2)
    (polite,) = enqueue("gate_thread")
    gate.wait_started(3)
    for id in ids:
        db.rows("select forge.cancel(%s)", id)
    until(lambda: worker.said("worker.stops"))
    (left,) = enqueue("noop")
    (gate.path / "open").touch()  # the others have their grace
    assert worker.ends() == 1
    assert worker.said("JQ106")
    assert worker.said("types=deaf_thread")
    assert job_of(db, polite)["status"] == "COMPLETED"
    assert {job_of(db, id)["status"] for id in ids} == {"CANCELLED"}
    assert job_of(db, left)["status"] == "PENDING"
