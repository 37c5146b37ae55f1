"""What a transaction that stays open does: the rows of jobs that end cannot be cleaned up."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from psycopg import IsolationLevel

from forge.bench.consume import hand_over
from forge.bench.measurement import Measurement, Stopwatch
from forge.bench.room import Room, job
from forge.db import connect
from forge.models import Job

BATCH = 100
PARTS = 5  # the first and the last of so many are held against each other
TICK = 1.0  # seconds between two ticks, as by a worker


async def in_and_out_beside_snapshot(room: Room, watch: Stopwatch) -> list[Measurement]:
    """As many jobs in as out, a hundred at a time, while another connection holds a snapshot."""
    queue = room.queue("snapshot")
    batch = max(1, min(BATCH, watch.most_jobs // PARTS))
    jobs = [job(queue)] * batch
    held: list[Job] = []
    spans: list[float] = []
    async with _snapshot(room.forge.dsn), room.forge.connection() as conn:
        watch.start()
        ticked = watch.started
        while not watch.over:
            started = time.perf_counter()
            rows = await room.forge.enqueue_many(jobs, connection=conn)
            held = await hand_over(conn, queue, held, batch)
            spans.append(time.perf_counter() - started)
            watch.count(batch)
            room.seen(rows[0].id)
            if time.perf_counter() - ticked >= TICK:
                ticked = time.perf_counter()
                await room.forge.tick(connection=conn)
    edge = -(-len(spans) // PARTS)
    return [
        _part(f"{watch.name}: first fifth", batch, spans[:edge]),
        _part(f"{watch.name}: last fifth", batch, spans[-edge:]),
    ]


def _part(name: str, batch: int, spans: Sequence[float]) -> Measurement:
    jobs, seconds = batch * len(spans), sum(spans)
    return Measurement(
        name=name, jobs=jobs, seconds=round(seconds, 3), per_second=round(jobs / seconds, 1)
    )


@asynccontextmanager
async def _snapshot(dsn: str) -> AsyncIterator[None]:
    """A transaction that goes on seeing what there is now, as a long report does."""
    conn = await connect(dsn, application_name="forge bench")
    try:
        await conn.set_isolation_level(IsolationLevel.REPEATABLE_READ)
        async with conn.transaction():
            await conn.execute("set local idle_in_transaction_session_timeout = 0")
            await conn.execute("select")  # the first query takes the snapshot
            yield
    finally:
        await conn.close()
