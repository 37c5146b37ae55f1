"""The Python worker, end to end: from the first claim to the last acknowledgement."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from forge.bench.measurement import Measurement, Stopwatch
from forge.bench.room import TYPE, Room
from forge.client import Forge
from forge.models import Job

CONCURRENCY = 100
PATIENCE = 10.0
PAUSE = 0.02  # enough for the worker to acknowledge the last job and to fall asleep


async def run_worker(room: Room, watch: Stopwatch) -> list[Measurement]:
    """A worker whose handler does nothing, until the queue is empty or the time is over."""
    queue = room.queue("worker")
    await room.fill(queue, watch.most_jobs, watch.most_seconds)
    stop = asyncio.Event()
    worker = Forge(room.forge.dsn, room.forge.settings)

    @worker.handler(TYPE, queue=queue)
    async def nothing(job: Job) -> None:
        watch.count(1)
        if watch.elapsed >= watch.most_seconds:
            stop.set()

    watch.start()
    async with worker:
        await worker.run_worker({queue: CONCURRENCY}, stop=stop, drain=True)
    return [watch.result()]


async def pick_up(room: Room, watch: Stopwatch) -> list[Measurement]:
    """From the call of `enqueue` to the start of the handler, of a worker that sleeps."""
    queue = room.queue("latency")
    picked: asyncio.Queue[float] = asyncio.Queue()
    stop = asyncio.Event()
    worker = Forge(room.forge.dsn, room.forge.settings)

    @worker.handler(TYPE, queue=queue)
    async def note(job: Job) -> None:
        picked.put_nowait(time.perf_counter())

    async def once() -> float:
        started = time.perf_counter()
        room.seen(await room.forge.enqueue(TYPE, queue=queue))
        return await asyncio.wait_for(picked.get(), PATIENCE) - started

    async with worker, asyncio.TaskGroup() as tasks:
        running = tasks.create_task(_until(worker, queue, stop))
        try:
            await once()  # the worker has started, and every plan is made
            watch.start()
            while not watch.over and not running.done():
                await asyncio.sleep(PAUSE)
                watch.count(1, await once())
        finally:
            stop.set()
    return [watch.result(paced=True)]


async def _until(worker: Forge, queue: str, stop: asyncio.Event) -> Any:
    await worker.run_worker({queue: 1}, stop=stop)
