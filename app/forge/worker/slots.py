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
from forge.worker.execute import outcome_of, run_handler
from forge.worker.log import say
from forge.worker.outcome import Outcome

Done = tuple[JobContext, msgspec.Raw | None]

AHEAD: Final = 0.1  # seconds of work that may wait here instead of in the queue
PATIENCE: Final = 1.0  # seconds that a claimed job may wait for a slot
YIELD_AFTER: Final = 0.005  # seconds that handlers which never wait may keep the event loop


class Slots:
    """`size` tasks that live as long as the worker; each runs one job after another."""

    def __init__(self, size: int, crew: Crew, finished: Callable[[], bool]) -> None:
        self._size = size
        self._crew = crew
        self._finished = finished
        self._ready: asyncio.Queue[JobContext] = asyncio.Queue()
        self._stopped = False
        self._pace = 0.0  # seconds a job takes, a moving average
        self.ahead = 0  # how many jobs may wait here; none until the first has finished
        self.claiming = 0  # how many jobs were asked for and may be on their way
        self._added = 0.0  # when the oldest jobs that are ready may have come
        self.running = 0
        self.quiet = asyncio.Event()  # set while nothing runs and nothing is on its way
        self.quiet.set()
        self.done: list[Done] = []  # completed, not yet acknowledged
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> list[asyncio.Task[None]]:
        self._tasks = [asyncio.create_task(self._slot()) for _ in range(self._size)]
        return self._tasks

    def stop(self) -> None:
        self._stopped = True
        for task in self._tasks:
            task.cancel()

    @property
    def waiting(self) -> int:
        """How many jobs are ready and wait for a slot."""
        return self._ready.qsize()

    @property
    def idle(self) -> bool:
        return not (self.running or self.done or self.claiming or self._ready.qsize())

    def room(self) -> int:
        """How many jobs to claim."""
        return max(0, min(self._free(), max(self._size, self._share()), 1_000))

    def _free(self) -> int:
        taken = self.running + self._ready.qsize() + self.claiming
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
            self._calm()

    def _calm(self) -> None:
        if not (self.running or self.claiming):
            self.quiet.set()

    def wants(self) -> bool:
        """Whether a claim pays now: a slot is free, or there is room for a whole share."""
        return self._free() > self._share()

    def _paced(self, seconds: float) -> None:
        """A job took so long: as many are kept ahead as the slots run in a moment."""
        self._pace += (seconds - self._pace) * (0.1 if self._pace else 1.0)
        if self._pace > 0.0:
            self.ahead = min(self._crew.options.prefetch, int(self._size * AHEAD / self._pace))

    def add(self, job: Job) -> None:
        if not self._ready.qsize():
            self._added = time.monotonic()
        self._ready.put_nowait(self._crew.held.take(job))

    def release_unstarted(self) -> None:
        """Puts what no slot has begun back into the queue, for other workers."""
        while self._ready.qsize():
            context = self._ready.get_nowait()
            self._crew.outbox.put(Outcome(context, "release", {}))

    def release_stale(self) -> None:
        """As `release_unstarted`, when the jobs before them took longer than expected."""
        if self._ready.qsize() and time.monotonic() - self._added > PATIENCE:
            self._pace = max(self._pace, PATIENCE)  # so that the same are not claimed ahead again
            self._paced(self._pace)
            self.release_unstarted()

    async def _slot(self) -> None:
        task = asyncio.current_task()
        assert task is not None
        crew, threads = self._crew, self._crew.threads
        yielded = time.monotonic()
        while True:
            if not self._ready.qsize():
                yielded = 0.0
            ready = self._ready
            context = ready.get_nowait() if ready.qsize() else await ready.get()
            started = time.monotonic()
            yielded = yielded or started
            self.running += 1
            self.quiet.clear()
            try:
                result = await run_handler(context, crew.handler(context.job.type), threads, task)
            except BaseException as error:
                if self._stopped:
                    raise  # the slot itself is cancelled, not its job
                self._failed(context, error)
            else:
                self._succeeded(context, result)
            finally:
                self.running -= 1
                self._calm()
                context.task = None
            # The job was cancelled and its slot goes on; task groups of Python 3.11 forget it too.
            while task.cancelling():
                task.uncancel()
            now = time.monotonic()
            self._paced(now - started)
            # Handlers that never wait would keep the event loop from getting more jobs meanwhile.
            if self._finished() or now - yielded > YIELD_AFTER:
                await asyncio.sleep(0)
                yielded = time.monotonic()

    def _succeeded(self, context: JobContext, result: object) -> None:
        context.finished = True
        if context.reason == LEASE_LOST or not self._crew.held.has(context):
            self._lost(context)
        elif context.acknowledged:
            self._crew.held.drop(context)
        else:
            self.done.append((context, result_json(result)))

    def _failed(self, context: JobContext, error: BaseException) -> None:
        context.finished = True
        outcome = outcome_of(context, error)
        if outcome is None or not self._crew.held.has(context):
            self._lost(context)
        else:
            self._crew.outbox.put(outcome)

    def _lost(self, context: JobContext) -> None:
        self._crew.held.drop(context)
        job = context.job
        say(logging.WARNING, "job.dropped", id=job.id, type=job.type, why=context.reason)
