"""The places in which the jobs of one queue run, and what is ready for them."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

import msgspec

from forge.models import Job
from forge.worker.clean import result_json
from forge.worker.context import LEASE_LOST, JobContext
from forge.worker.crew import Crew
from forge.worker.execute import outcome_of
from forge.worker.log import say
from forge.worker.outcome import Outcome
from forge.worker.slot import Slot

Done = tuple[JobContext, msgspec.Raw | None]

AHEAD: Final = 0.1  # seconds of work that may wait here instead of in the queue
PATIENCE: Final = 1.0  # seconds that a claimed job may wait for a slot


class Slots:
    """`size` slots, each of which runs one job after another."""

    def __init__(self, size: int, crew: Crew, finished: Callable[[], bool]) -> None:
        self._size = size
        self._crew = crew
        self.finished = finished
        self.ready: asyncio.Queue[JobContext] = asyncio.Queue()
        self.stopped = False
        self._pace = 0.0  # seconds a job takes, a moving average
        self.ahead = 0  # how many jobs may wait here; none until the first has finished
        self.claiming = 0  # how many jobs were asked for and may be on their way
        self._added = 0.0  # when the oldest jobs that are ready may have come
        self.running = 0
        self.quiet = asyncio.Event()  # set while nothing runs and nothing is on its way
        self.quiet.set()
        self.done: list[Done] = []  # completed, not yet acknowledged
        self._tasks: set[asyncio.Task[None]] = set()
        self._broken: asyncio.Future[None] | None = None

    async def run(self) -> None:
        """Runs jobs until it is cancelled. Raises what broke a slot."""
        self._broken = asyncio.get_running_loop().create_future()
        for _ in range(self._size):
            self._open()
        try:
            await self._broken
        finally:
            self.stopped = True
            for task in self._tasks:
                task.cancel()
            if self._tasks:
                await asyncio.wait(self._tasks)

    def _open(self) -> None:
        task = asyncio.create_task(Slot(self, self._crew).run())
        self._tasks.add(task)
        task.add_done_callback(self._closed)

    def _closed(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None and self._broken is not None and not self._broken.done():
            self._broken.set_exception(error)

    def replace(self) -> None:
        """A slot stays with a handler that does not stop: another one takes its place."""
        self._open()

    @property
    def waiting(self) -> int:
        """How many jobs are ready and wait for a slot."""
        return self.ready.qsize()

    @property
    def idle(self) -> bool:
        return not (self.running or self.done or self.claiming or self.ready.qsize())

    def room(self) -> int:
        """How many jobs to claim."""
        return max(0, min(self._free(), max(self._size, self._share()), 1_000))

    def _free(self) -> int:
        taken = self.running + self.ready.qsize() + self.claiming
        return self._size + self.ahead - taken

    def _share(self) -> int:
        """A third of what is kept ahead: one runs here while two are on their way."""
        return self.ahead // 3

    @contextmanager
    def expecting(self, jobs: int) -> Iterator[None]:
        """While a claim of so many jobs is under way."""
        self.claiming += jobs
        if jobs:
            self.quiet.clear()
        try:
            yield
        finally:
            self.claiming -= jobs
            self.calm()

    def calm(self) -> None:
        if not (self.running or self.claiming):
            self.quiet.set()

    def wants(self) -> bool:
        """Whether a claim pays now: a slot is free, or there is room for a whole share."""
        return self._free() > self._share()

    def paced(self, seconds: float) -> None:
        """A job took so long: as many are kept ahead as the slots run in a moment."""
        self._pace += (seconds - self._pace) * (0.1 if self._pace else 1.0)
        if self._pace > 0.0:
            self.ahead = min(self._crew.options.prefetch, int(self._size * AHEAD / self._pace))

    def add(self, job: Job) -> None:
        if not self.ready.qsize():
            self._added = time.monotonic()
        self.ready.put_nowait(self._crew.held.take(job))

    def release_unstarted(self) -> None:
        """Puts what no slot has begun back into the queue, for other workers."""
        while self.ready.qsize():
            context = self.ready.get_nowait()
            self._crew.outbox.put(Outcome(context, "release", {}))

    def release_stale(self) -> None:
        """As `release_unstarted`, when the jobs before them took longer than expected."""
        if self.ready.qsize() and time.monotonic() - self._added > PATIENCE:
            self._pace = max(self._pace, PATIENCE)  # so that the same are not claimed ahead again
            self.paced(self._pace)
            self.release_unstarted()

    def succeeded(self, context: JobContext, result: object) -> None:
        context.finished = True
        if context.reason == LEASE_LOST or not self._crew.held.has(context):
            self._lost(context)
        elif context.acknowledged:
            self._crew.held.drop(context)
        elif context.reported:
            done = (context, result_json(result))
            self._crew.reports.after(context, lambda: self._acknowledge(done))
        else:
            self.done.append((context, result_json(result)))

    def _acknowledge(self, done: Done) -> None:
        self.done.append(done)
        self.finished()

    def failed(self, context: JobContext, error: BaseException) -> None:
        context.finished = True
        outcome = outcome_of(context, error)
        if outcome is None or not self._crew.held.has(context):
            self._lost(context)
        elif context.reported:
            self._crew.reports.after(context, lambda: self._crew.outbox.put(outcome))
        else:
            self._crew.outbox.put(outcome)

    def _lost(self, context: JobContext) -> None:
        self._crew.held.drop(context)
        job = context.job
        say(logging.WARNING, "job.dropped", id=job.id, type=job.type, why=context.reason)
