"""A worker that is drained finishes what it has, waits, and goes on when it is resumed."""

from __future__ import annotations

from collections.abc import Callable

from tests.database import Database
from tests.worker.conftest import Gate, StartWorker
from tests.worker.processes import until


def worker_of(db: Database, id: int) -> str | None:
    found: str | None = db.value(
        "select case when status = 'COMPLETED' then worker end from forge.job(%s)", id
    )
    return found


def test_a_drained_worker_finishes_its_job_and_leaves_others_to_others(
    db: Database, start: StartWorker, enqueue: Callable[..., list[int]], gate: Gate
) -> None:
    (first,) = enqueue("gate")
    start("--name", "one")
    gate.wait_started(1)
    db.rows("select forge.drain_worker('one')")
    gate.open()
    until(lambda: worker_of(db, first) == "one")

    (second,) = enqueue("gate")
    start("--name", "two")
    until(lambda: worker_of(db, second) == "two")

    db.rows("select forge.resume_worker('one'), forge.drain_worker('two')")
    (third,) = enqueue("gate")
    until(lambda: worker_of(db, third) == "one")
