"""Tables in use: only the migrator waits; and what is interrupted is gone on with."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from forge.bookkeeping import MigrationError
from forge.migrate import migrate
from tests.database import Conn, Database
from tests.migrations.conftest import catalog
from tests.upgrades.conftest import Catalog
from tests.worker.processes import until

# Statements that hold what a step of the upgrade needs, while their transaction is open.
HOLDS = {
    "an index that is built": "lock table forge.dependencies in row exclusive mode",
    "a column that is added": "lock table forge.workers in access share mode",
    "the tick's lock": "select pg_try_advisory_xact_lock(forge._lock_space('tick'), 0)",
}
BLOCKED = """
select 1 as n from pg_stat_activity as a
where a.datname = current_database() and %s = any (pg_blocking_pids(a.pid))
"""
ALL_BUT_SHAPES = "select 1 as n from forge._yoyo_migration where migration_id = '0020.operate'"


@contextmanager
def holding(database: Database, statement: str) -> Iterator[Conn]:
    conn = database.connect(autocommit=False)
    conn.execute(statement.encode())
    yield conn
    conn.rollback()


def waits_for(database: Database, holder: Conn, why: str) -> None:
    """Until the migrator has come to what the holder has."""
    if why == "the tick's lock":
        until(lambda: database.rows(ALL_BUT_SHAPES), why=why)
    else:
        until(lambda: database.rows(BLOCKED, holder.info.backend_pid), why=why)


@pytest.mark.parametrize("why", HOLDS)
def test_a_migrator_that_is_killed_half_way_is_gone_on_with(
    old_db: Database, new_catalog: Catalog, why: str
) -> None:
    old_db.rows("select forge.enqueue('any')")
    with holding(old_db, HOLDS[why]) as holder:
        process = subprocess.Popen(
            [sys.executable, "-m", "forge", "migrate"],
            env={**os.environ, "DATABASE_URL": old_db.dsn},
            stderr=subprocess.DEVNULL,
        )
        try:
            waits_for(old_db, holder, why)
        finally:
            process.kill()
            process.wait(10)

    migrate(old_db.dsn)

    assert catalog(old_db) == new_catalog
    assert old_db.value("select count(*) from forge.jobs") == 1


@pytest.mark.parametrize("why", HOLDS)
def test_while_a_migrator_waits_for_a_transaction_nobody_else_does(
    old_db: Database, why: str
) -> None:
    other = old_db.connect()
    other.execute("set lock_timeout = '5s'")  # ten times what a migrator waits at a time
    with ThreadPoolExecutor(1) as pool:
        with holding(old_db, HOLDS[why]) as holder:
            running = pool.submit(migrate, old_db.dsn)
            waits_for(old_db, holder, why)
            for _ in range(3):
                job = other.execute("select forge.enqueue('any')").fetchone()
                assert job is not None
                other.execute("select forge.enqueue('child', depends_on => %s)", [[job["enqueue"]]])
                other.execute("select * from forge.exchange(worker => 'w', max_jobs => 1)")
                other.execute("select forge.register_worker('w', '{default}', '{any}', 1, false)")
                other.execute("select worker from forge.list_workers()")
                other.execute("select task from forge.tick()")
            assert not running.done()
        assert len(running.result(60).migrations) == 4


def test_a_transaction_that_never_ends_is_named_at_last(
    old_db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("forge.patience.PATIENCE", 0)

    with (
        holding(old_db, HOLDS["a column that is added"]),
        pytest.raises(MigrationError, match="stayed in use") as caught,
    ):
        migrate(old_db.dsn)

    assert "0020.operate" in str(caught.value.detail)
    assert "end the transaction" in str(caught.value.hint)
    migrate(old_db.dsn)
