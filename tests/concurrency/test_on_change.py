"""Changes of two sessions that make jobs of the same keys."""

from __future__ import annotations

import pytest

from tests.concurrency.racing import deadlocks, racers
from tests.database import Database


@pytest.fixture
def table(db: Database) -> str:
    db.rows("create table public.items (key text)")
    db.rows("select forge.on_change('public.items', '{insert}', 'seen', key => 'new.key')")
    return "public.items"


def test_two_statements_with_the_same_keys_do_not_deadlock(db: Database, table: str) -> None:
    before = deadlocks(db)
    with racers(db) as (one, two):
        one.run("begin")
        one.run(f"insert into {table} values ('a')")
        two.start_and_wait_for_lock(f"insert into {table} values ('b'), ('a')")
        one.run(f"insert into {table} values ('b')")
        one.run("commit")
        two.result()

    keys = [r["unique_key"] for r in db.rows("select unique_key from forge.jobs order by 1")]
    assert keys == ["a", "b"]
    assert deadlocks(db) == before


def test_a_write_that_rolls_back_makes_no_job(db: Database, table: str) -> None:
    with racers(db, 1) as (one,):
        one.run("begin")
        one.run(f"insert into {table} values ('a')")
        one.run("rollback")

    assert db.rows("select id from forge.jobs") == []


def test_a_worker_that_sleeps_is_woken_by_a_change(db: Database, table: str) -> None:
    with racers(db) as (worker, writer):
        worker.run("listen forge")
        assert worker.run("select * from forge.park('{default}')") == []
        writer.run(f"insert into {table} values (null), (null)")
        notes = list(worker.connection.notifies(timeout=10, stop_after=1))
        worker.run("select forge.unpark()")

    assert [note.payload for note in notes] == ["default"]
