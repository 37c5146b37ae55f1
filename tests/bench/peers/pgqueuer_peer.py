"""pgqueuer on asyncpg: a pool for producers, a single connection for the queue manager."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from typing import Any

import asyncpg
from pgqueuer import PgQueuer
from pgqueuer.db import AsyncpgDriver, AsyncpgPoolDriver
from pgqueuer.queries import Queries

from tests.bench.peers.protocol import (
    Counter,
    Task,
    enqueue_for,
    handle_until_told,
    main,
    pick_ups,
)

NAME = "nothing"
BULK = 1000

logging.getLogger("pgqueuer").setLevel(logging.ERROR)


def encoded(task: Task) -> bytes:
    """Payloads are bytes to pgqueuer, so that making them is the caller's part of the work."""
    return json.dumps(task["payload"]).encode()


async def install(task: Task) -> Task:
    connection = await asyncpg.connect(task["url"])
    queries = Queries(AsyncpgDriver(connection))
    await queries.install()
    await queries.optimize_autovacuum()
    await connection.close()
    return {}


async def add_many(queries: Any, task: Task, size: int) -> None:
    await queries.enqueue([NAME] * size, [encoded(task) for _ in range(size)], [0] * size)


async def fill(task: Task) -> Task:
    connection = await asyncpg.connect(task["url"])
    left = task["jobs"]
    while left > 0:
        await add_many(Queries(AsyncpgDriver(connection)), task, min(BULK, left))
        left -= BULK
    await connection.close()
    return {}


async def work(task: Task) -> Task:
    counter = Counter()
    connection = await asyncpg.connect(task["url"])
    pgq = PgQueuer(AsyncpgDriver(connection))

    async def nothing(job: Any) -> None:
        counter.count()

    pgq.entrypoint(NAME)(nothing)

    async def run(stop: asyncio.Event) -> None:
        worker = asyncio.create_task(pgq.run(batch_size=task["batch_size"]))
        await stop.wait()
        pgq.shutdown.set()
        await worker

    return await handle_until_told(counter, run)


async def enqueue(task: Task) -> Task:
    size = task["connections"]
    async with asyncpg.create_pool(task["url"], min_size=size, max_size=size) as pool:
        queries = Queries(AsyncpgPoolDriver(pool))

        async def single() -> None:
            await queries.enqueue(NAME, encoded(task))

        async def bulk(number: int) -> None:
            await add_many(queries, task, number)

        return await enqueue_for(task, single, bulk)


async def latency(task: Task) -> Task:
    picked: asyncio.Queue[int] = asyncio.Queue()
    connection = await asyncpg.connect(task["url"])
    pgq = PgQueuer(AsyncpgDriver(connection))

    async def note(job: Any) -> None:
        picked.put_nowait(time.monotonic_ns())

    pgq.entrypoint(NAME)(note)

    async with asyncpg.create_pool(task["url"], min_size=1, max_size=1) as pool:
        queries = Queries(AsyncpgPoolDriver(pool))

        async def single() -> None:
            await queries.enqueue(NAME, encoded(task))

        worker = asyncio.create_task(pgq.run(batch_size=task["batch_size"]))
        try:
            return await pick_ups(task, single, picked)
        finally:
            pgq.shutdown.set()
            await worker


if __name__ == "__main__":
    main({"install": install, "fill": fill, "work": work, "enqueue": enqueue, "latency": latency})
