"""A worker that is killed at any step of a handler's own transaction: the effect happens once."""

from __future__ import annotations

import signal

import pytest

from tests.database import Database
from tests.worker.conftest import Gate, StartWorker
from tests.worker.processes import until

STEPS = {
    "before the write": 2,
    "after the write": 2,
    "after complete": 2,
    "after the commit": 1,  # nobody acknowledged it, but it is done
}


@pytest.mark.parametrize(("step", "attempts"), STEPS.items(), ids=STEPS)
def test_the_effect_happens_exactly_once(
    db: Database, start: StartWorker, gate: Gate, step: str, attempts: int
) -> None:
    db.rows("create table ledger (job_id bigint)")
    query = (
        "select forge.enqueue('ledger', jsonb_build_object('at', %s::text, 'stops_at', %s::text))"
    )
    db.rows(query, str(gate.path), step)
    first = start()
    gate.wait_started(1)
    first.send(signal.SIGKILL)
    start()
    status = "select status, attempts, result from forge.all_jobs"
    until(lambda: db.rows(status)[0]["status"] == "COMPLETED", why="the job to be recovered")
    until(lambda: len(db.rows("select worker from forge.list_workers()")) == 1)

    assert db.rows(status) == [
        {"status": "COMPLETED", "attempts": attempts, "result": {"attempt": attempts}}
    ]
    assert db.value("select count(*) from ledger") == 1
