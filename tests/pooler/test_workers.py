"""Workers whose database is behind a pooler: with their ear past it, and without."""

from __future__ import annotations

import os
import signal

import pytest

from tests.database import Database
from tests.pgbouncer import PgBouncer
from tests.pooler.conftest import Start
from tests.worker.conftest import Gate
from tests.worker.conftest import gate as gate
from tests.worker.processes import until

# One locks for its process: the claim's are of transactions, and do not stay.
SESSION_LOCKS = """
select count(*) from pg_locks as l
where l.locktype = 'advisory' and l.mode = 'ExclusiveLock'
    and l.database = (select d.oid from pg_database as d where d.datname = current_database())
    and l.classid in (forge._lock_space('worker')::oid, forge._lock_space('doorbell')::oid)
"""


@pytest.fixture
def past(pooled: str, db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """What listens goes past the pooler."""
    monkeypatch.setenv("FORGE_LISTEN_URL", db.direct)


def enqueue(db: Database, type: str, gate: Gate, number: int = 1) -> list[int]:
    rows = db.rows(
        "select forge.enqueue(%s, jsonb_build_object('at', %s::text)) as id"
        " from generate_series(1, %s)",
        type,
        str(gate.path),
        number,
    )
    return [row["id"] for row in rows]


def statuses(db: Database) -> dict[str, int]:
    rows = db.rows("select status, count(*) from forge.all_jobs group by status")
    return {row["status"]: row["count"] for row in rows}


def test_three_workers_share_two_sessions_and_run_each_job_once(
    db: Database, start: Start, past: None, gate: Gate
) -> None:
    enqueue(db, "noop", gate, 600)
    workers = [start("--queue", "default=20", "--drain") for _ in range(3)]
    assert [worker.ends(60) for worker in workers] == [0, 0, 0]
    assert statuses(db) == {"COMPLETED": 600}
    assert db.value("select max(attempts) from forge.history") == 1
    for worker in workers:
        assert not worker.said("database.")
        assert not worker.said("only_polls")


def test_with_an_ear_past_the_pooler_a_worker_is_called_and_missed(
    db: Database, start: Start, past: None, gate: Gate
) -> None:
    worker = start("--poll-interval", "1000", "--lease", "1000")
    until(lambda: db.value(SESSION_LOCKS) == 2, why="it to live, and to hang its bell")
    (job_id,) = enqueue(db, "gate", gate)
    gate.wait_started(1)
    os.kill(worker.pid, signal.SIGKILL)
    other = start("--poll-interval", "1000", "--lease", "1000")
    gate.wait_started(2)
    gate.open()
    until(lambda: db.value("select status from forge.job(%s)", job_id) == "COMPLETED")
    other.send(signal.SIGTERM)
    assert other.ends() == 0


def test_without_an_ear_a_worker_polls_and_says_so(db: Database, start: Start, gate: Gate) -> None:
    worker = start("--poll-interval", "0.05")
    until(lambda: db.rows("select worker from forge.list_workers() where alive"))
    kept, cancelled = enqueue(db, "gate", gate, 2)
    gate.wait_started(2)
    assert db.value(SESSION_LOCKS) == 0
    db.rows("select from forge.cancel(%s)", cancelled)
    until(lambda: db.value("select status from forge.job(%s)", cancelled) == "CANCELLED")
    gate.open()
    until(lambda: db.value("select status from forge.job(%s)", kept) == "COMPLETED")
    assert worker.said("worker.only_polls")
    assert worker.said("FORGE_LISTEN_URL")
    worker.send(signal.SIGTERM)
    assert worker.ends() == 0
    assert db.rows("select worker from forge.list_workers()") == []


def test_a_job_survives_the_restart_of_the_pooler_under_its_worker(
    db: Database, pooler: PgBouncer, start: Start, past: None, gate: Gate
) -> None:
    worker = start("--poll-interval", "0.05")
    (job_id,) = enqueue(db, "gate", gate)
    gate.wait_started(1)
    pooler.stop()
    gate.open()  # it ends while there is nobody to tell
    until(lambda: worker.said("database.lost"))
    pooler.start()
    until(lambda: db.value("select status from forge.job(%s)", job_id) == "COMPLETED")
    assert db.value("select attempts from forge.job(%s)", job_id) == 1
    assert worker.said("database.back")
