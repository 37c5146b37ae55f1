"""What a claim takes beside the jobs that wait: few, many, or many that are scheduled ahead."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

from forge.bench.measurement import Measurement, Stopwatch
from forge.bench.room import TYPE, Room

FEW = 100
HIGHER = 10  # the priority of those that a claim has to pass over
AHEAD = timedelta(days=1)


async def claim_beside_backlog(room: Room, watch: Stopwatch) -> list[Measurement]:
    """One job at a time from each of three queues in turn, so that they share their disturbances.

    For each that comes out another one goes in, so that a backlog stays what it was.
    """
    few, many, ahead = (room.queue(purpose) for purpose in ("few", "many", "ahead"))
    jobs, seconds = watch.most_jobs, watch.most_seconds
    later = {"priority": HIGHER, "scheduled_at": datetime.now(UTC) + AHEAD}
    backlogs = {
        few: await room.fill(few, FEW, seconds),
        many: await room.fill(many, jobs, seconds),
        ahead: await room.fill(ahead, FEW, seconds)
        + await room.fill(ahead, jobs, seconds, **later),
    }
    watch.start()
    parts = {
        few: watch.part(f"{watch.name}, few pending"),
        many: watch.part(f"{watch.name}, many pending"),
        ahead: watch.part(f"{watch.name}, many scheduled ahead"),
    }
    async with room.forge.connection() as conn:
        while not watch.over:
            for queue, part in parts.items():
                room.seen(await room.forge.enqueue(TYPE, queue=queue, connection=conn))
                started = time.perf_counter()
                claimed = await room.forge.dequeue(queue, connection=conn)
                span = time.perf_counter() - started
                for job in claimed:
                    part.count(1, span)
                    await room.forge.complete(job, connection=conn)
    return [part.result(paced=True, backlog=backlogs[queue]) for queue, part in parts.items()]
