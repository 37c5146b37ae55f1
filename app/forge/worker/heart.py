"""The worker's heart: beats and ticks in a thread of its own, with an event loop of its own.

A handler that blocks the worker's event loop cannot stop it. It starts before the first claim and
stops after the last acknowledgement.

So a blocked loop keeps its jobs, as long as it comes back. One that does not hear that a job is to
stop for long after it had to, does not come back: its worker would hold for ever what else it has.
Only the end of the process helps, for whatever supervises it to start it again.
"""

from __future__ import annotations

import asyncio
import logging
import os
import random
import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import Final

from forge.db import call, tick
from forge.models import Beat
from forge.worker.context import JobContext
from forge.worker.crew import Crew
from forge.worker.held import leases
from forge.worker.link import Link
from forge.worker.log import say
from forge.worker.outcome import Outcome, send

TICK: Final = 1.1  # with the heartbeats below one statement a second
LOOK: Final = 1.5  # seconds between looks for cancellations, for a worker that only polls
# On PostgreSQL 18 a session keeps some 6 kB of each condition that it looks at, until it ends.
MOST_LOOKS: Final = 5000
SUSPECTS: Final = 0.3  # the manual of forge.tick: when to look again after suspect workers
BATCH: Final = 1_000
HUNG: Final = 3  # so many times as long as a handler gets to stop, and the loop has to hear of it
WAKING: Final = 2.0  # more seconds, for a loop that was stopped with the whole process
FAILED: Final = 1  # exit status of a worker that has to be started again
LAST_WORDS: Final = 2.0  # seconds for the releases before the process ends by force


class Heart:
    """`on_beat` is called in the loop that started the heart, for each job that is to stop."""

    def __init__(self, crew: Crew, on_beat: Callable[[JobContext, str], None]) -> None:
        self._crew = crew
        self._on_beat = on_beat
        self._every = crew.options.lease / 3
        self._thread = threading.Thread(target=self._run, name="forge-heart", daemon=True)
        self._alive = threading.Event()
        self._ended = asyncio.Event()
        self._listening: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._main = asyncio.get_running_loop()
        self._thread.start()
        self._alive.wait()

    def beat_now(self) -> None:
        """Beats at once: somebody asked for a cancellation. May be called from any thread."""
        self._loop.call_soon_threadsafe(self._now.set)

    def end_process_in(self, seconds: float, status: int) -> None:
        """Ends the process by force unless it has ended by then. May be called in a signal."""
        if self._alive.is_set():
            self._loop.call_soon_threadsafe(self._loop.call_later, seconds, self._force, status)

    async def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._stopping.set)
        await self._ended.wait()

    def _run(self) -> None:
        asyncio.run(self._live())
        with suppress(RuntimeError):  # the worker's loop is closed: nobody waits
            self._main.call_soon_threadsafe(self._ended.set)

    async def _live(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._now = asyncio.Event()
        self._stopping = asyncio.Event()
        self._links = [self._crew.link("heart"), self._crew.link("tick")]
        self._alive.set()
        tasks = [asyncio.create_task(self._beat(self._links[0]))]
        tasks += [asyncio.create_task(self._tick(self._links[1]))]
        tasks += [asyncio.create_task(self._look(self._links[0]))]
        await self._stopping.wait()
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        for link in self._links:
            await link.close()

    async def _beat(self, link: Link) -> None:
        while True:
            self._now.clear()
            try:
                await self._ask(link, self._crew.options.lease_interval)
            except Exception as error:  # whatever it is, the next beat may reach its aim
                await link.rest(error, longest=self._every / 4)
                continue
            link.works()
            timer = self._loop.call_later(self._every, self._now.set)
            await self._now.wait()
            timer.cancel()

    async def _look(self, link: Link) -> None:
        """Asks for cancellations, which no notification tells of here. Extends nothing."""
        while True:
            await asyncio.sleep(LOOK)
            if self._crew.held and not self._crew.hears:
                try:
                    await self._ask(link, None)
                except Exception as error:
                    await link.rest(error)

    async def _ask(self, link: Link, extend: timedelta | None) -> None:
        async with link.hold() as conn:
            contexts = self._crew.held.snapshot()
            for start in range(0, max(len(contexts), 1), BATCH):
                batch = contexts[start : start + BATCH]
                ids, fences = leases(batch)
                news = await call(
                    conn,
                    "heartbeat",
                    Beat,
                    worker=self._crew.options.name,
                    ids=ids,
                    leases=fences,
                    extend=extend,
                )
                self._tell(batch, news)

    def _tell(self, batch: list[JobContext], news: list[Beat]) -> None:
        # By context and not by id: the job may have been claimed anew while the call was under way.
        contexts = {context.job.id: context for context in batch}
        for beat in news:
            context = contexts[beat.id]
            if not context.finished:
                context.tell(beat.reason)  # a thread hears it though the event loop is blocked
                with suppress(RuntimeError):  # the loop has ended
                    self._main.call_soon_threadsafe(self._on_beat, context, beat.reason)
                if self._listening is None or self._listening.done():
                    self._listening = self._loop.create_task(self._end_if_deaf())

    async def _end_if_deaf(self) -> None:
        heard = threading.Event()
        with suppress(RuntimeError):  # the loop has ended
            self._main.call_soon_threadsafe(heard.set)
            await asyncio.sleep(self._crew.options.unwind * HUNG)
            await asyncio.sleep(WAKING)
            if not heard.is_set():
                types = sorted({context.job.type for context in self._crew.held.snapshot()})
                say(logging.ERROR, "worker.hangs", why="a handler blocks it", types=types)
                await self._end_process(FAILED)

    async def _tick(self, link: Link) -> None:
        looks = 0
        while True:
            try:
                async with link.hold() as conn:
                    done = await tick(conn)
            except Exception as error:
                await link.rest(error)
                continue
            link.works()
            for result in done:
                say(logging.DEBUG, "tick", task=result.task, count=result.count)
            looks += sum(result.count for result in done if result.task == "conditions")
            if looks >= MOST_LOOKS:
                await link.close()
                looks = 0
            suspects = any(result.task == "suspect_workers" for result in done)
            pause = SUSPECTS if suspects else TICK
            await asyncio.sleep(pause * random.uniform(0.95, 1.05))  # noqa: S311 - spreads workers

    def _force(self, status: int) -> None:
        self._forcing = self._loop.create_task(self._end_process(status))

    async def _end_process(self, status: int) -> None:
        """The last resort, for an event loop that a handler blocks."""
        say(logging.ERROR, "worker.forced_to_end", status=status)
        with suppress(Exception):
            async with asyncio.timeout(LAST_WORDS):
                async with self._crew.link("end").hold() as conn:
                    for context in self._crew.held.snapshot():
                        if not context.finished:
                            with suppress(Exception):
                                await send(conn, Outcome(context, "release", {}))
        logging.shutdown()
        os._exit(status)
