"""The job that is running here: what a handler may ask of it, and how it is told to stop."""

from __future__ import annotations

import asyncio
import threading
from contextvars import ContextVar
from typing import Any, Final

from forge.models import Job

LEASE_LOST: Final = "lease_lost"
CANCEL_REQUESTED: Final = "cancel_requested"
RELEASED: Final = "released"

_making_event = threading.Lock()


class JobContext:
    """One claimed job in this process, from its claim until its acknowledgement was sent."""

    __slots__ = ("_cancelled_for", "_event", "acknowledged", "finished", "job", "reason", "task")

    def __init__(self, job: Job) -> None:
        self.job = job
        self.finished = False
        self.acknowledged = False  # the handler completed it in a transaction of its own
        self.reason: str | None = None  # why it was told to stop
        self.task: asyncio.Task[Any] | None = None  # the task to cancel, where there is one
        self._event: threading.Event | None = None
        self._cancelled_for: str | None = None

    @property
    def cancelled(self) -> threading.Event:
        """Set when the job should stop: a handler in a thread looks at it now and then."""
        with _making_event:
            if self._event is None:
                self._event = threading.Event()
                if self.reason is not None:
                    self._event.set()
            return self._event

    def tell(self, reason: str) -> None:
        """Sets `cancelled`; the first reason counts. May be called from any thread."""
        with _making_event:
            self.reason = self.reason or reason
            if self._event is not None:
                self._event.set()

    def cancel(self, reason: str) -> None:
        """Tells the job, and cancels the task that it runs in. For the event loop's thread.

        Once for each reason, so that a handler can take its time to clean up.
        """
        self.tell(reason)
        if self.task is not None and self._cancelled_for != reason:
            self._cancelled_for = reason
            self.task.cancel()


current: ContextVar[JobContext] = ContextVar("forge_job_context")


def job_context() -> JobContext:
    """The context of the job that runs here. Raises `LookupError` outside a handler."""
    return current.get()


def current_job() -> Job:
    """The job that runs here. Raises `LookupError` outside a handler."""
    return current.get().job
