"""How fast jobs go out, without a worker around the calls."""

from __future__ import annotations

import time
from typing import Any

from forge.bench.measurement import Measurement, Stopwatch
from forge.bench.room import Room
from forge.db import Connection, call
from forge.models import Job

EXCHANGE = 100


async def claim_and_complete(room: Room, watch: Stopwatch) -> list[Measurement]:
    """One connection, two calls a job: what the ten-line worker in bash does."""
    queue = room.queue("single")
    await room.fill(queue, watch.most_jobs - await _waiting(room, queue), watch.most_seconds)
    watch.start()
    async with room.forge.connection() as conn:
        while not watch.over:
            started = time.perf_counter()
            jobs = await room.forge.dequeue(queue, connection=conn)
            if not jobs:
                break
            await room.forge.complete(jobs[0], connection=conn)
            watch.count(1, time.perf_counter() - started)
    return [watch.result()]


async def exchange(room: Room, watch: Stopwatch) -> list[Measurement]:
    """One connection, one call a hundred jobs: completes the last ones and claims the next."""
    queue = room.queue("bulk")
    await room.fill(queue, watch.most_jobs - await _waiting(room, queue), watch.most_seconds)
    watch.start()
    held: list[Job] = []
    async with room.forge.connection() as conn:
        while not watch.over:
            claimed = await hand_over(conn, queue, held, EXCHANGE)
            watch.count(len(held))
            held = claimed
            if not held:
                break
    return [watch.result()]


async def hand_over(conn: Connection, queue: str, held: list[Job], max_jobs: int) -> list[Job]:
    """Completes the jobs that are held, and claims the next ones."""
    arguments: dict[str, Any] = {
        "ids": [job.id for job in held],
        "leases": [job.lease for job in held],
        "queue": queue,
        "max_jobs": max_jobs,
    }
    return await call(conn, "exchange", Job, **arguments)


async def _waiting(room: Room, queue: str) -> int:
    """Jobs that a measurement before this one left there."""
    rows = await room.forge.stats(queue)
    return sum(row.ready for row in rows)
