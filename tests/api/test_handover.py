"""No job stays claimed for a client that is gone: races that are arranged."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from forge.api import waiting
from tests.api.jobs import enqueue
from tests.api.raw import asking
from tests.api.serving import PATIENCE, serving
from tests.api.test_long_poll import BELLS, NEVER, becomes
from tests.database import Database

pytestmark = pytest.mark.anyio

BLOCKED = (
    "select count(*) from pg_stat_activity where datname = current_database() "
    "and application_name = 'forge api' and cardinality(pg_blocking_pids(pid)) > 0"
)
WAIT = {"worker": "the client", "wait_seconds": 30}


@pytest.fixture(autouse=True)
def no_polls(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "POLL_SECONDS", NEVER)


def states(db: Database) -> list[tuple[Any, ...]]:
    rows = db.rows("select status, attempts, worker from forge.all_jobs order by id")
    return [tuple(row.values()) for row in rows]


async def test_a_client_that_left_while_it_waited_claims_nothing(db: Database) -> None:
    async with serving(db.dsn) as (url, _), asking(url, "/worker/dequeue", WAIT) as client:
        await becomes(db, BELLS, 1)
        client.leave()  # and in the same moment, before the server has read of it:
        enqueue(db)
        assert await client.answer() is None
    assert states(db) == [("PENDING", 0, None)]


async def test_a_client_that_asked_twice_before_it_left_claims_nothing(db: Database) -> None:
    """The server does not read on behind the second request, where the end of the connection is."""
    async with (
        serving(db.dsn) as (url, _),
        asking(url, "/worker/dequeue", WAIT, "keep-alive") as client,
    ):
        await becomes(db, BELLS, 1)
        client.ask()
        client.leave()
        for _ in range(2):
            enqueue(db)
        assert await client.answer() is None
    assert states(db) == [("PENDING", 0, None)] * 2


async def test_the_job_of_one_that_left_goes_to_the_next(db: Database) -> None:
    async with serving(db.dsn) as (url, _), asking(url, "/worker/dequeue", WAIT) as leaving:
        await becomes(db, BELLS, 1)
        async with asking(url, "/worker/dequeue", {**WAIT, "worker": "the next"}) as staying:
            leaving.leave()
            enqueue(db)
            (job,) = (await staying.answer())["items"]
            assert (job["attempts"], await leaving.answer()) == (1, None)
    assert states(db) == [("PROCESSING", 1, "the next")]


@pytest.mark.parametrize("wait_seconds", [0, 30])
async def test_what_is_claimed_for_a_client_that_left_meanwhile_is_given_back(
    wait_seconds: int, db: Database
) -> None:
    enqueue(db)
    lock = db.connect(autocommit=False)
    lock.execute("lock table forge.jobs in access exclusive mode")
    async with serving(db.dsn) as (url, _):
        body = {**WAIT, "wait_seconds": wait_seconds}
        async with asking(url, "/worker/dequeue", body) as client:
            await becomes(db, BLOCKED, 1)
            client.leave()
            lock.rollback()
            assert await client.answer() is None
    # the name shows that it had been claimed
    assert states(db) == [("PENDING", 0, "the client")]


async def test_an_exchange_keeps_what_was_done_and_gives_back_what_was_claimed(
    db: Database,
) -> None:
    enqueue(db)
    (done,) = db.rows("select id, lease::text from forge.dequeue()")
    enqueue(db)
    lock = db.connect(autocommit=False)
    lock.execute("lock table forge.jobs in access exclusive mode")
    async with serving(db.dsn) as (url, _):
        body = {"worker": "the client", "finished": [done]}
        async with asking(url, "/worker/exchange", body) as client:
            await becomes(db, BLOCKED, 1)
            client.leave()
            lock.rollback()
            assert await client.answer() is None
    assert states(db) == [("COMPLETED", 1, None), ("PENDING", 0, "the client")]


async def test_a_shutdown_that_cuts_a_claim_off_leaves_nothing_claimed(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("forge.api.server.GRACE_SECONDS", 0.01)
    enqueue(db)
    lock = db.connect(autocommit=False)
    lock.execute("lock table forge.jobs in access exclusive mode")
    async with serving(db.dsn) as (url, stop), asking(url, "/worker/dequeue", WAIT) as client:
        await becomes(db, BLOCKED, 1)
        stop.set()
        with pytest.raises((AssertionError, ConnectionError)):
            assert await client.answer() is not None  # cut off: no answer, or an error
        assert db.value(BLOCKED) == 1
        lock.rollback()
    assert states(db) == [("PENDING", 0, "the client")]


async def test_clients_that_leave_at_any_moment_leave_no_job_behind(db: Database) -> None:
    """Claimed is exactly what came to somebody, wherever in a request its end comes."""
    delivered: list[int] = []

    async def hurry(url: str, steps: int) -> None:
        async with asking(url, "/worker/dequeue", WAIT) as client:
            for _ in range(steps):
                await asyncio.sleep(0)
            client.leave()
            answer = await client.answer() or {"items": []}
            delivered.extend(job["id"] for job in answer["items"])

    def produce() -> None:
        connection = db.connect()
        for _ in range(60):
            connection.execute("select forge.enqueue('t')")

    async with serving(db.dsn) as (url, _):
        async with asyncio.timeout(PATIENCE * 2):
            producing = asyncio.create_task(asyncio.to_thread(produce))
            await asyncio.gather(*(hurry(url, steps) for steps in range(0, 240, 3)))
            await producing
    rows = db.rows("select id, status, attempts from forge.jobs")
    assert {row["id"] for row in rows if row["status"] == "PROCESSING"} == set(delivered)
    assert all(row["attempts"] == 0 for row in rows if row["status"] == "PENDING")
