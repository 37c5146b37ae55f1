"""Queues of the bench's own, and their end: whatever happens, nothing of them stays."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from forge.bench.measurement import Advance
from forge.client import Forge
from forge.errors import TryAgain

PREFIX = "forge-bench-"
TYPE = "forge-bench"
BATCH = 1000
DROP_BATCH = 10_000
DROP_PATIENCE = 60.0


class Room:
    """The queues of one run, and the ids of its jobs."""

    def __init__(self, forge: Forge) -> None:
        self.forge = forge
        self._run = secrets.token_hex(4)
        self._queues: list[str] = []
        self._before_first: int | None = None

    def queue(self, purpose: str) -> str:
        """The run's queue for one purpose."""
        name = f"{PREFIX}{self._run}-{purpose}"
        if name not in self._queues:
            self._queues.append(name)
        return name

    def seen(self, id: int) -> None:
        """A job of this run: what ends it need not look at older ones."""
        if self._before_first is None or id <= self._before_first:
            self._before_first = id - 1

    async def fill(self, queue: str, jobs: int, seconds: float, **options: object) -> int:
        """Put in so many jobs, or as many as the time allows; returns how many."""
        one = job(queue, **options)
        deadline = time.perf_counter() + seconds
        done = 0
        while done < jobs and (done == 0 or time.perf_counter() < deadline):
            size = min(BATCH, jobs - done)
            self.seen((await self.forge.enqueue_many([one] * size))[0].id)
            done += size
        return done

    async def drop(self, advance: Advance) -> None:
        """Remove the queues with everything in them."""
        deadline = time.monotonic() + DROP_PATIENCE
        for queue in self._queues:
            while not await self._drop_some(queue):
                advance(0)
                if time.monotonic() > deadline:
                    raise TryAgain(
                        "the bench could not remove all of its jobs",
                        f"queue={queue}",
                        f"select forge.drop_queue('{queue}') until it returns true",
                    )
            advance(1)

    async def _drop_some(self, queue: str) -> bool:
        started = time.monotonic()
        done = await self.forge.drop_queue(queue, after=self._before_first, max_jobs=DROP_BATCH)
        if not done and time.monotonic() - started < 0.05:
            await asyncio.sleep(0.05)  # somebody ticks, or holds one of the jobs
        return done


def job(queue: str, **options: object) -> dict[str, object]:
    """One job of the bench."""
    payload = {"to": "someone@example.com", "n": 1}
    return {"type": TYPE, "queue": queue, "payload": payload, **options}


@asynccontextmanager
async def open_room(forge: Forge, advance: Advance) -> AsyncIterator[Room]:
    """A room that is emptied at the end, also after an error or an interrupt."""
    room = Room(forge)
    try:
        yield room
    finally:
        await room.drop(advance)
