"""How fast jobs come in."""

from __future__ import annotations

import time

from forge.bench.measurement import Measurement, Stopwatch
from forge.bench.room import BATCH, Room, job


async def enqueue_one_by_one(room: Room, watch: Stopwatch) -> list[Measurement]:
    """One connection, one job a call, one commit a job."""
    one = job(room.queue("single"))
    type, payload, queue = str(one["type"]), one["payload"], str(one["queue"])
    async with room.forge.connection() as conn:
        while not watch.over:
            started = time.perf_counter()
            id = await room.forge.enqueue(type, payload, queue=queue, connection=conn)
            watch.count(1, time.perf_counter() - started)
            room.seen(id)
    return [watch.result()]


async def enqueue_many(room: Room, watch: Stopwatch) -> list[Measurement]:
    """One connection, a thousand jobs a call."""
    one = job(room.queue("bulk"))
    async with room.forge.connection() as conn:
        while not watch.over:
            jobs = [one] * min(BATCH, watch.left)
            rows = await room.forge.enqueue_many(jobs, connection=conn)
            watch.count(len(rows))
            room.seen(rows[0].id)
    return [watch.result()]
