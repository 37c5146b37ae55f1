"""The job that is running here: what a handler may ask of it, and how it is told to stop."""

from __future__ import annotations

import asyncio
import threading
from contextvars import ContextVar
from typing import Any, Final, Protocol
from weakref import WeakValueDictionary

from msgspec import Raw

from forge.errors import InvalidArgument
from forge.models import Job
from forge.worker.clean import MESSAGE_LIMIT, clean_text, data_json

LEASE_LOST: Final = "lease_lost"
CANCEL_REQUESTED: Final = "cancel_requested"
RELEASED: Final = "released"
TIMED_OUT: Final = "timed_out"

LEVELS: Final = ("debug", "info", "warning", "error")  # as in forge.log

_making_event = threading.Lock()


class Reports(Protocol):
    """Takes what handlers report, from any thread, and returns at once."""

    def log(self, context: JobContext, level: str, message: str, data: Raw | None) -> None: ...

    def progress(self, context: JobContext, value: float, note: str | None) -> None: ...


class Place(Protocol):
    """Where a job runs."""

    @property
    def reports(self) -> Reports: ...

    def stop(self, context: JobContext, reason: str) -> None: ...


class Apart(Protocol):
    """A thread or a process of a job's own."""

    kind: str

    def tell(self, reason: str) -> None:
        """Passes on that the job is to stop, where it cannot see for itself."""

    def kill(self) -> bool:
        """Ends it by force; false where that cannot be done."""
        ...

    def stack(self) -> str:
        """Where it is, as Python prints it."""
        ...


class JobContext:
    """One claimed job in this process, from its claim until its acknowledgement was sent."""

    # Few of them, as each job pays for all.
    __slots__ = (
        "_event",
        "_told",
        "acknowledged",
        "apart",
        "finished",
        "job",
        "place",
        "reason",
        "reported",
        "task",
    )

    def __init__(self, job: Job) -> None:
        self.job = job
        self.reported = False  # something was, which must be sent before the job is acknowledged
        self.finished = False
        self.acknowledged = False  # the handler completed it in a transaction of its own
        self.reason: str | None = None  # why it was told to stop, first of all
        self.place: Place | None = None  # where it runs, once it does
        self.task: asyncio.Task[Any] | None = None  # the task to cancel, where there is one
        self.apart: Apart | None = None  # else what it runs in
        self._event: threading.Event | None = None
        self._told: tuple[str, ...] = ()

    @property
    def cancelled(self) -> threading.Event:
        """Set when the job should stop: a handler in a thread looks at it now and then."""
        with _making_event:
            if self._event is None:
                self._event = threading.Event()
                if self.reason is not None:
                    self._event.set()
            return self._event

    def log(self, message: str, level: str = "info", data: Any = None) -> None:
        """Adds a line to the job's log, for others to see. Sent soon, with others, by the worker.

        From any thread. Raises `InvalidArgument`. SQL: forge.report
        """
        if level not in LEVELS:  # here, as the call that says so comes later
            raise InvalidArgument("level is not valid", f"level={level}", f"use {LEVELS}")
        if self.place is not None and not self.finished:
            text = clean_text(str(message), MESSAGE_LIMIT)
            self.place.reports.log(self, level, text, data_json(data))

    def progress(self, value: float, note: str | None = None) -> None:
        """Records how far the job has come, 0 to 1, for others to see. Sent soon, as `log`.

        From any thread. Raises `InvalidArgument`. SQL: forge.report
        """
        if not 0 <= value <= 1:
            raise InvalidArgument("value is not valid", f"value={value}", "use 0 to 1")
        if self.place is not None and not self.finished:
            short = None if note is None else clean_text(note, 500)
            self.place.reports.progress(self, float(value), short)

    def tell(self, reason: str) -> None:
        """Sets `cancelled`; the first reason counts. May be called from any thread."""
        with _making_event:
            self.reason = self.reason or reason
            if self._event is not None:
                self._event.set()

    def knows(self, reason: str) -> bool:
        """Whether it was told to stop for this reason. For the event loop's thread."""
        return reason in self._told

    def cancel(self, reason: str) -> None:
        """Tells the job, and cancels the task that it runs in. For the event loop's thread.

        Once for each reason, so that a handler can take its time to clean up.
        """
        self.tell(reason)
        if reason in self._told:
            return
        self._told += (reason,)
        if self.task is not None:
            self.task.cancel()
        elif self.apart is not None:
            self.apart.tell(reason)

    def stop(self, reason: str) -> None:
        """As `cancel`; a handler that does not end in time loses its place."""
        if self.place is None:
            self.cancel(reason)
        else:
            self.place.stop(self, reason)


current: ContextVar[JobContext] = ContextVar("forge_job_context")

# Where the jobs of this process are, for threads that handlers start by themselves.
holders: WeakValueDictionary[int, Any] = WeakValueDictionary()


def job_context() -> JobContext:
    """The context of the job that runs here. Raises `LookupError` outside a handler."""
    return current.get()


def current_job() -> Job:
    """The job that runs here. Raises `LookupError` outside a handler."""
    return current.get().job


def context_of(job: Job) -> JobContext:
    """The context of a job that a worker of this process runs. Raises `LookupError`."""
    context = current.get(None)
    if context is not None and context.job is job:
        return context
    for holder in list(holders.values()):
        held: JobContext | None = holder.get(job.id)
        if held is not None and held.job is job:
            return held
    raise LookupError(f"no worker of this process runs job {job.id}; use the methods of Forge")
