"""SQL-bodied jobs that a Python worker runs, beside its own."""

from __future__ import annotations

import asyncio
import signal

import pytest

from forge import Forge
from tests.database import Database
from tests.procedures.calls import Calls
from tests.procedures.sql_handlers import handler
from tests.worker.conftest import Gate, StartWorker
from tests.worker.processes import until

WAITS = """
    insert into public.effects values (payload ->> 'n');
    if payload ? 'fail' then raise exception 'boom' using errcode = 'P4242'; end if;
    if payload ? 'wait' then perform pg_advisory_xact_lock(42); end if;
    return payload;
"""
STATUS = "select status from forge.job(%(id)s)"
WAITING = "select pid from pg_stat_activity where wait_event = 'advisory' and query ~ 'run_claimed'"


@pytest.fixture
def call(db: Database) -> Calls:
    calls = Calls(db.connect())
    handler(calls, WAITS)
    return calls


def effects(db: Database) -> list[str]:
    return [row["n"] for row in db.rows("select n from public.effects order by n")]


def test_a_worker_runs_them_beside_its_own(
    db: Database, call: Calls, start: StartWorker, gate: Gate
) -> None:
    gate.open()
    ids = [call.enqueue("sql", payload={"n": str(n)}) for n in range(20)]
    own = call.enqueue("gate", payload={"at": str(gate.path)})
    failing = call.enqueue("sql", payload={"n": "lost", "fail": 1}, max_retries=0)
    worker = start("--drain", "--name", "w")

    assert worker.ends() == 0

    rows = db.rows("select * from forge.history order by id")
    assert [r["id"] for r in rows] == sorted([*ids, own])
    assert {r["worker"] for r in rows} == {"w"}
    assert rows[0]["result"] == {"n": "0"}
    assert effects(db) == sorted(str(n) for n in range(20))
    assert worker.said("job.failed")
    (error,) = call.job(failing)["errors"]
    assert (error["error_type"], error["error"]) == ("P4242", "boom")
    assert "PL/pgSQL function handler(jsonb)" in error["traceback"]


def test_with_sql_alone_it_needs_no_module(db: Database, call: Calls, start: StartWorker) -> None:
    done = call.enqueue("sql", payload={"n": "1"})
    other = call.enqueue("email")
    kept = call.enqueue("sql", queue="elsewhere")
    worker = start("--sql", "--drain", "--no-listen", app=None)

    assert worker.ends() == 0

    assert call.status(done) == "COMPLETED"
    assert (call.status(other), call.status(kept)) == ("PENDING", "PENDING")


def test_without_sql_it_leaves_them(db: Database, call: Calls, start: StartWorker) -> None:
    job_id = call.enqueue("sql", payload={"n": "1"})

    assert start("--no-sql", "--drain").ends() == 0

    assert call.status(job_id) == "PENDING"


def test_a_type_of_one_queue_is_claimed_there_only(
    db: Database, call: Calls, start: StartWorker
) -> None:
    handler(call, "return payload;", type="only", name="public.only", queue="a")
    here, there = call.enqueue("only", queue="a"), call.enqueue("only", queue="b")

    assert start("--queue", "a", "--queue", "b", "--drain").ends() == 0

    assert (call.status(here), call.status(there)) == ("COMPLETED", "PENDING")


def test_a_timeout_ends_the_function_in_the_database(
    db: Database, call: Calls, start: StartWorker
) -> None:
    holder = db.connect()
    holder.execute("select pg_advisory_lock(42)")
    call.rows("set_type", type="sql", timeout="1 s")
    job_id = call.enqueue("sql", payload={"n": "1", "wait": 1}, max_retries=0)
    start()

    until(lambda: call.status(job_id) == "DEAD")

    (error,) = call.job(job_id)["errors"]
    assert error["error_type"] == "Timeout"
    assert (effects(db), db.rows(WAITING)) == ([], [])
    holder.execute("select pg_advisory_unlock(42)")


def test_a_cancellation_reaches_the_function(db: Database, call: Calls, start: StartWorker) -> None:
    holder = db.connect()
    holder.execute("select pg_advisory_lock(42)")
    job_id = call.enqueue("sql", payload={"n": "1", "wait": 1})
    start()
    until(lambda: bool(db.rows(WAITING)))

    call.rows("cancel", id=job_id)

    until(lambda: call.status(job_id) == "CANCELLED")
    until(lambda: not db.rows(WAITING))
    assert effects(db) == []
    holder.execute("select pg_advisory_unlock(42)")


def test_a_function_that_outlasts_the_grace_period_is_given_back(
    db: Database, call: Calls, start: StartWorker
) -> None:
    holder = db.connect()
    holder.execute("select pg_advisory_lock(42)")
    job_id = call.enqueue("sql", payload={"n": "1", "wait": 1})
    worker = start("--grace", "0.2")
    until(lambda: bool(db.rows(WAITING)))

    worker.send(signal.SIGTERM)

    assert worker.ends() == 0
    job = call.job(job_id)
    assert (job["status"], job["attempts"], effects(db)) == ("PENDING", 0, [])
    holder.execute("select pg_advisory_unlock(42)")


def test_a_killed_worker_leaves_an_effect_exactly_once(
    db: Database, call: Calls, start: StartWorker
) -> None:
    holder = db.connect()
    holder.execute("select pg_advisory_lock(42)")
    job_id = call.enqueue("sql", payload={"n": "once", "wait": 1})
    first = start()
    until(lambda: bool(db.rows(WAITING)))

    first.send(signal.SIGKILL)
    start()
    until(lambda: call.job(job_id)["attempts"] == 2)
    holder.execute("select pg_advisory_unlock(42)")

    until(lambda: call.status(job_id) == "COMPLETED")
    until(lambda: not db.rows(WAITING))
    assert effects(db) == ["once"]


@pytest.mark.anyio
@pytest.mark.parametrize("listen", [True, False])
async def test_what_is_registered_later_is_learnt(
    db: Database, call: Calls, monkeypatch: pytest.MonkeyPatch, listen: bool
) -> None:
    monkeypatch.setattr("forge.worker.sql_jobs.LOOK", 0.05)
    stop = asyncio.Event()
    async with Forge(db.dsn) as forge:
        running = asyncio.create_task(
            forge.run_worker({"default": 1}, stop=stop, sql=True, listen=listen, poll_interval=0.05)
        )
        await asyncio.to_thread(
            until, lambda: bool(db.rows("select worker from forge.list_workers()"))
        )
        handler(call, "return '1';", type="later", name="public.later")
        job_id = call.enqueue("later")

        await asyncio.to_thread(until, lambda: db.value(STATUS, id=job_id) == "COMPLETED")

        (worker,) = await forge.list_workers()
        assert worker.types is not None
        assert set(worker.types) == {"sql", "later"}
        stop.set()
        await running
