"""Forge as its README says: `Forge.enqueue`, and a worker with a handler."""

from __future__ import annotations

import asyncio
import time

from forge import Forge, Job
from tests.bench.payload import QUEUE, TYPE
from tests.bench.peers.protocol import (
    Counter,
    Task,
    enqueue_for,
    handle_until_told,
    main,
    pick_ups,
)

SLOTS = 100


async def work(task: Task) -> Task:
    counter = Counter()
    forge = Forge(task["dsn"])

    @forge.handler(TYPE)
    async def nothing(job: Job) -> None:
        counter.count()
        if task.get("hang"):
            await asyncio.Event().wait()

    def start(stop: asyncio.Event) -> object:
        return forge.run_worker({task.get("queue", QUEUE): SLOTS}, stop=stop)

    async with forge:
        return await handle_until_told(counter, start)


async def enqueue(task: Task) -> Task:
    async with Forge(task["dsn"]) as forge:

        async def single() -> None:
            await forge.enqueue(TYPE, task["payload"])

        async def bulk(size: int) -> None:
            await forge.enqueue_many([{"type": TYPE, "payload": task["payload"]}] * size)

        return await enqueue_for(task, single, bulk)


async def latency(task: Task) -> Task:
    picked: asyncio.Queue[int] = asyncio.Queue()
    stop = asyncio.Event()
    async with Forge(task["dsn"]) as forge:

        @forge.handler(TYPE)
        async def note(job: Job) -> None:
            picked.put_nowait(time.monotonic_ns())

        async def single() -> None:
            await forge.enqueue(TYPE, task["payload"])

        worker = asyncio.create_task(forge.run_worker({QUEUE: SLOTS}, stop=stop))
        try:
            return await pick_ups(task, single, picked)
        finally:
            stop.set()
            await worker


if __name__ == "__main__":
    main({"work": work, "enqueue": enqueue, "latency": latency})
