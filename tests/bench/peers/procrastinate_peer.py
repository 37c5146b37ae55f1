"""procrastinate with a psycopg pool and concurrent jobs, finished ones deleted or kept."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import procrastinate

from tests.bench.peers.protocol import (
    Counter,
    Task,
    enqueue_for,
    handle_until_told,
    main,
    pick_ups,
)

BULK = 1000

logging.getLogger("procrastinate").setLevel(logging.ERROR)


@asynccontextmanager
async def opened(task: Task) -> AsyncIterator[procrastinate.App]:
    size = task["pool"]
    connector = procrastinate.PsycopgConnector(conninfo=task["dsn"], min_size=size, max_size=size)
    app = procrastinate.App(connector=connector)
    async with app.open_async():
        yield app


def start(app: procrastinate.App, task: Task) -> Any:
    return app.run_worker_async(
        concurrency=task["concurrency"],
        delete_jobs=task["delete_jobs"],
        install_signal_handlers=False,
    )


async def install(task: Task) -> Task:
    async with opened(task) as app:
        await app.schema_manager.apply_schema_async()
    return {}


async def fill(task: Task) -> Task:
    async with opened(task) as app:
        nothing = app.task(name="nothing")(_nothing)
        left = task["jobs"]
        while left > 0:
            size = min(BULK, left)
            await nothing.batch_defer_async(*[task["payload"]] * size)
            left -= size
    return {}


async def work(task: Task) -> Task:
    counter = Counter()
    async with opened(task) as app:

        async def nothing(**payload: Any) -> None:
            counter.count()

        app.task(name="nothing")(nothing)

        async def run(stop: asyncio.Event) -> None:
            worker = asyncio.create_task(start(app, task))
            await stop.wait()
            worker.cancel()
            await asyncio.gather(worker, return_exceptions=True)

        return await handle_until_told(counter, run)


async def enqueue(task: Task) -> Task:
    async with opened({**task, "pool": task["connections"]}) as app:
        nothing = app.task(name="nothing")(_nothing)

        async def single() -> None:
            await nothing.defer_async(**task["payload"])

        async def bulk(size: int) -> None:
            await nothing.batch_defer_async(*[task["payload"]] * size)

        return await enqueue_for(task, single, bulk)


async def latency(task: Task) -> Task:
    picked: asyncio.Queue[int] = asyncio.Queue()
    async with opened(task) as app:

        async def note(**payload: Any) -> None:
            picked.put_nowait(time.monotonic_ns())

        noted = app.task(name="note")(note)

        async def single() -> None:
            await noted.defer_async(**task["payload"])

        worker = asyncio.create_task(start(app, task))
        try:
            return await pick_ups(task, single, picked)
        finally:
            worker.cancel()
            await asyncio.gather(worker, return_exceptions=True)


async def _nothing(**payload: Any) -> None:
    """What the producers name; the workers have their own."""


if __name__ == "__main__":
    main({"install": install, "fill": fill, "work": work, "enqueue": enqueue, "latency": latency})
