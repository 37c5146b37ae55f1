"""One queue of a worker: claims its jobs for the slots and acknowledges those that finished.

Both go in one call, `forge.exchange`: one round trip, one commit. While it is under way the slots
run what was claimed ahead; if that runs short too, a second connection gets more.
"""

from __future__ import annotations

import asyncio
import random
from typing import Any, Final, Protocol

from forge.db import ABSENT, Connection, call, call_values, jsonb
from forge.models import Job
from forge.worker.crew import Crew
from forge.worker.held import leases
from forge.worker.link import ABSENCE, Link
from forge.worker.outcome import Outcome
from forge.worker.slots import Done, Slots

ACKNOWLEDGE_WITHIN: Final = 0.005  # seconds that a finished job may wait for company
LISTENING: Final = 30  # poll intervals between the polls of a worker that would be called
DRAIN_POLL: Final = 0.05
BUSY_POLL: Final = 0.01
SOON: Final = 0.005
LOOKS: Final = 20  # that many soon after a job


class Bell(Protocol):
    """Who calls when a job arrives."""

    def is_hung(self, queue: str) -> bool: ...

    def is_busy(self, queue: str) -> bool: ...

    async def park(self, queue: str) -> bool: ...


class Lane:
    """The feeder of one queue's slots."""

    def __init__(self, queue: str, size: int, crew: Crew, bell: Bell | None) -> None:
        self.queue = queue
        self._closing = False
        self.drained = asyncio.Event()
        self.slots = Slots(size, crew, self._finished)
        self._crew = crew
        self._bell = bell
        self._link, self._second = crew.link(queue), crew.link(queue)
        self._wake, self._hurry = asyncio.Event(), asyncio.Event()
        self._busy = self._plenty = False  # an exchange is under way; the last one found plenty
        self._timer: asyncio.TimerHandle | None = None
        self._in_vain = 0  # looks since a job was found that the bell did not stop
        self._claim = {**crew.claim(), "queue": queue}

    def nudge(self) -> None:
        """Something may be there to do."""
        self._wake.set()

    def _finished(self) -> bool:
        """A job has; whether an exchange is due, which needs its turn in the event loop."""
        if self.slots.wants() or self._closing:
            (self._hurry if self._busy and self._plenty else self._wake).set()
            return True
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(ACKNOWLEDGE_WITHIN, self._wake.set)
        return False

    async def run(self) -> None:
        helper = asyncio.create_task(self._help())
        try:
            while True:
                self._wake.clear()
                self.slots.release_stale()
                room = 0 if self._closing else self.slots.room()
                quiet = self.slots.idle and self._crew.outbox.is_empty
                self._busy = True
                claimed = await self._exchange(self._link, room) if room or self.slots.done else 0
                self._busy = False
                self._plenty = claimed == room > 0
                if quiet and room and claimed == 0:
                    self.drained.set()
                elif claimed:
                    self.drained.clear()
                    self._in_vain = 0
                if claimed is not None:
                    await self._pause(dry=claimed < room)
        finally:
            helper.cancel()

    async def _help(self) -> None:
        """Exchanges on the second connection while the first is busy: short jobs, a long queue."""
        while True:
            await self._hurry.wait()
            self._hurry.clear()
            room = self.slots.room()
            if self._busy and room and not self._closing:
                await self._exchange(self._second, room)
            self._wake.set()

    async def _exchange(self, link: Link, room: int) -> int | None:
        """Acknowledges what is done and claims up to `room` jobs; None if it has to be repeated."""
        batch, self.slots.done = self.slots.done, []
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        try:
            with self.slots.expecting(room):
                async with link.hold() as conn:
                    jobs = await self._call(conn, batch, room)
                for context, _ in batch:
                    self._crew.held.drop(context)
                for job in jobs:
                    self.slots.add(job)
        except ABSENCE as error:
            self.slots.done[:0] = batch
            await link.rest(error)
            return None
        except Exception as error:  # one of the results, most likely: each job by itself
            for context, result in batch:
                self._crew.outbox.put(Outcome(context, "complete", {"result": jsonb(result)}))
            await link.rest(error)
            return None
        link.works()
        if self._closing:  # they were on their way when the worker was told to stop
            self.slots.release_unstarted()
        return len(jobs)

    async def _call(self, conn: Connection, batch: list[Done], room: int) -> list[Job]:
        ids, fences = leases([context for context, _ in batch])
        results = [jsonb(result) for _, result in batch]
        finished: dict[str, Any] = {
            "ids": ids,
            "leases": fences,
            "results": results if any(results) else ABSENT,
        }
        if room:
            types = [*self._crew.registry, *self._crew.sql.types(self.queue)]
            return await call(
                conn, "exchange", Job, **finished, **self._claim, max_jobs=room, types=types
            )
        await call_values(conn, "complete_many", **finished, queue=self.queue)
        return []

    async def _pause(self, *, dry: bool) -> None:
        if not dry:
            if not (self.slots.wants() and not self._closing):
                await self._wait(self._poll_interval())
            return
        bell = self._bell
        if bell is None or self._crew.options.drain:
            await self._wait(self._poll_interval())
        elif bell.is_busy(self.queue):
            await self._wait(BUSY_POLL)
        elif not bell.is_hung(self.queue) and await bell.park(self.queue):
            await self._look_again()
        else:
            self._in_vain = 0
            asleep = bell.is_hung(self.queue) and not self.slots.waiting
            await self._wait(self._poll_interval() * (LISTENING if asleep else 1))

    async def _look_again(self) -> None:
        """A job came due between the claim and the bell, or the bell could not be hung.

        Often, for a moment, then at the pace of polls: the job may be of a type that others run.
        """
        soon = 0.0 if self._in_vain == 0 else SOON
        await self._wait(soon if self._in_vain < LOOKS else self._poll_interval())
        self._in_vain += 1

    def close_claims(self) -> None:
        """Claims no more, gives back what has not begun, and goes on acknowledging."""
        self._closing = True
        self.slots.release_unstarted()
        self._wake.set()

    async def close(self) -> None:
        await self._link.close()
        await self._second.close()

    def _poll_interval(self) -> float:
        options = self._crew.options
        interval = (
            min(options.poll_interval, DRAIN_POLL) if options.drain else options.poll_interval
        )
        return interval * random.uniform(0.9, 1.1)  # noqa: S311 - spreads the workers, hides nothing

    async def _wait(self, seconds: float) -> None:
        timer = asyncio.get_running_loop().call_later(seconds, self._wake.set)
        try:
            await self._wake.wait()
        finally:
            timer.cancel()
