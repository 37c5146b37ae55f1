"""By what Forge knows a pooler that shares sessions, and that it leaves nothing in them."""

from __future__ import annotations

import asyncio

import psycopg
import pytest

from forge import Forge
from forge.db import connect
from forge.errors import WrongIsolation
from forge.sessions import Ear, keeps_session
from tests.database import Database
from tests.pgbouncer import residue
from tests.pooler.conftest import SESSIONS

pytestmark = pytest.mark.anyio


async def test_a_pooler_is_told_from_a_server(pooled: str, db: Database) -> None:
    through, past = await connect(pooled), await connect(db.direct)
    try:
        assert not await keeps_session(through)
        assert await keeps_session(past)
        assert not await Ear(pooled).can_hear(through)
        assert await Ear(db.direct).can_hear(past)
        assert (through.prepare_threshold, past.prepare_threshold) == (None, 5)
    finally:
        await through.close()
        await past.close()


async def test_what_is_prepared_for_oneself_is_there_for_others(pooled: str) -> None:
    """Why it matters: the mistake that Forge does not make, and how the tests would see it."""
    with psycopg.connect(pooled, autocommit=True, prepare_threshold=0) as careless:
        careless.execute("select 1")
        assert [row for row in residue(pooled, SESSIONS) if row.startswith("statement ")]
        for _ in range(SESSIONS):
            careless.execute("deallocate all", prepare=False)


async def test_clients_that_call_all_the_time_prepare_and_set_nothing(pooled: str) -> None:
    async with Forge(pooled) as forge, Forge(pooled) as other:
        for client in (forge, other) * 10:
            await client.enqueue("noop", {})
        async with forge.transaction() as conn:
            await asyncio.gather(*(other.stats() for _ in range(20)))
            await forge.enqueue("noop", {}, connection=conn)
        jobs = await other.dequeue(worker="w", max_jobs=100)
        assert len(jobs) == 21
        await asyncio.gather(*(forge.complete(job) for job in jobs))


async def test_a_claim_takes_the_isolation_of_its_login(pooled: str, db: Database) -> None:
    db.rows(f"alter database {db.name} set default_transaction_isolation = 'repeatable read'")
    async with Forge(pooled) as forge:
        await forge.enqueue("noop", {})
        with pytest.raises(WrongIsolation, match="READ COMMITTED"):
            await forge.dequeue(worker="w")
        async with forge.connection() as conn, conn.transaction():
            await conn.execute("set transaction isolation level read committed")
            (job,) = await forge.dequeue(worker="w", connection=conn)
        assert await forge.complete(job)


async def test_a_lock_of_a_session_that_outlives_its_worker_holds_no_job_for_ever(
    pooled: str, db: Database
) -> None:
    """Against the manual: liveness by way of the pooler. The lease is what remains."""
    job_id = db.value("select forge.enqueue('noop')")
    with psycopg.connect(pooled, autocommit=True) as worker:
        worker.execute("select forge.register_worker('w', '{default}')")
        worker.execute("select * from forge.dequeue(worker => 'w', lease => '10 seconds')")
    assert db.value("select alive from forge.list_workers()")
    db.rows("select from forge.tick()")
    assert db.value("select status from forge.job(%s)", job_id) == "PROCESSING"

    db.rows("update forge_test.clock set shift = '11 seconds'")
    db.rows("select from forge.tick()")

    assert db.value("select status from forge.job(%s)", job_id) == "PENDING"
    with psycopg.connect(pooled, autocommit=True) as tidy:
        for _ in range(SESSIONS):
            tidy.execute("select pg_advisory_unlock_all()")
