"""One place for jobs: runs one after another, sees to their timeouts, leaves those that hang."""

from __future__ import annotations

import asyncio
import time
from typing import Final, Protocol

from forge.worker.context import TIMED_OUT, JobContext
from forge.worker.crew import Crew
from forge.worker.execute import run_handler
from forge.worker.verdict import Failure, JudgedError

YIELD_AFTER: Final = 0.005  # seconds that handlers which never wait may keep the event loop
# After a timeout SQL waits 5 seconds for the failure to be told: see forge._timeout_grace.
UNWIND_TIMED_OUT: Final = 2.0


class Owner(Protocol):
    """The slots of a queue."""

    ready: asyncio.Queue[JobContext]
    running: int
    quiet: asyncio.Event
    stopped: bool

    def calm(self) -> None: ...

    def succeeded(self, context: JobContext, result: object) -> None: ...

    def failed(self, context: JobContext, error: BaseException) -> None: ...

    def paced(self, seconds: float) -> None: ...

    def finished(self) -> bool: ...

    def replace(self) -> None: ...


class Slot:
    """Implements `context.Place`."""

    def __init__(self, owner: Owner, crew: Crew) -> None:
        self._owner = owner
        self._crew = crew
        self._loop = asyncio.get_running_loop()
        self.reports = crew.reports
        self._left = False  # the handler that it runs was left behind, and the slot with it

    async def run(self) -> None:
        task = asyncio.current_task()
        assert task is not None
        owner, ready = self._owner, self._owner.ready
        crew, threads, processes = self._crew, self._crew.threads, self._crew.processes
        yielded = time.monotonic()
        while True:
            if not ready.qsize():
                yielded = 0.0
            context = ready.get_nowait() if ready.qsize() else await ready.get()
            started = time.monotonic()
            yielded = yielded or started
            owner.running += 1
            owner.quiet.clear()
            context.place = self
            timer = None if context.job.timeout is None else self._limit(context)
            try:
                handler = crew.handler(context.job.type)
                result = await run_handler(context, handler, threads, processes, task)
            except BaseException as error:
                if owner.stopped:
                    raise  # the slot itself is cancelled, not its job
                if not self._left:
                    owner.failed(context, error)
            else:
                if not self._left:
                    owner.succeeded(context, result)
            finally:
                if timer is not None:
                    timer.cancel()
                if not self._left:
                    owner.running -= 1
                    owner.calm()
                context.task = None
            if self._left:
                self._crew.abandoned.returned(context)
                return
            # The job was cancelled and its slot goes on; task groups of Python 3.11 forget it too.
            while task.cancelling():
                task.uncancel()
            now = time.monotonic()
            owner.paced(now - started)
            # Handlers that never wait would keep the event loop from getting more jobs meanwhile.
            if owner.finished() or now - yielded > YIELD_AFTER:
                await asyncio.sleep(0)
                yielded = time.monotonic()

    def _limit(self, context: JobContext) -> asyncio.TimerHandle:
        timeout = context.job.timeout
        assert timeout is not None
        return self._loop.call_later(timeout.total_seconds(), self.stop, context, TIMED_OUT)

    def stop(self, context: JobContext, reason: str) -> None:
        """Tells the handler to stop; when it has not in time, the slot goes on without it."""
        context.cancel(reason)
        patience = self._crew.options.unwind
        if reason == TIMED_OUT:
            patience = min(patience, UNWIND_TIMED_OUT)
        self._loop.call_later(patience, self._overdue, context)

    def _overdue(self, context: JobContext) -> None:
        if context.finished or self._left:
            return
        if context.apart is not None and context.apart.kill():
            return
        self._left = True
        self._owner.failed(context, JudgedError(_deaf(context)))
        self._owner.running -= 1
        self._owner.calm()
        self._crew.abandoned.add(context)
        self._owner.replace()


def _deaf(context: JobContext) -> Failure:
    where = "task" if context.apart is None else context.apart.kind
    return Failure(
        error=f"the handler did not stop when told to ({context.reason}); its {where} was left",
        error_type="Abandoned",
        traceback=(context.apart.stack() if context.apart else "") or None,
    )
