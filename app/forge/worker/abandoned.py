"""Handlers that did not stop when they were told to, and that their slots left behind.

Python can end neither a thread nor a coroutine that does not want to. Such a job is fenced, as its
lease is over, so its late result changes nothing; but it keeps its memory and its connections.
A new process is the only cure, so a worker with too many of them ends, gracefully, for whatever
supervises it to start it again: one that only stopped claiming would look alive for ever.
"""

from __future__ import annotations

import asyncio
import logging

from forge.errors import ForgeError
from forge.worker.context import JobContext
from forge.worker.log import say


class WorkerWornOut(ForgeError):
    """A worker ended as too many handlers did not."""

    code, name = "JQ106", "worker_worn_out"


class Abandoned:
    """Those that still run."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._running: set[JobContext] = set()
        self.ending = False  # the worker does anyway
        self._worn_out: WorkerWornOut | None = None
        self.too_many = asyncio.Event()

    def add(self, context: JobContext) -> None:
        job = context.job
        self._running.add(context)
        say(
            logging.ERROR,
            "job.abandoned",
            id=job.id,
            type=job.type,
            why=context.reason,
            abandoned=len(self._running),
            limit=self._limit,
        )
        if len(self._running) >= self._limit and not self.ending and self._worn_out is None:
            types = sorted({context.job.type for context in self._running})
            self._worn_out = WorkerWornOut(
                "the worker ended, as too many handlers do not stop",
                f"abandoned={len(self._running)} limit={self._limit} types={','.join(types)}",
                "start it again; have these handlers heed job_context().cancelled, give what they "
                "call a timeout, or run them with process=True",
            )
            self.too_many.set()

    def returned(self, context: JobContext) -> None:
        """One has ended after all; what came of it is dropped."""
        self._running.discard(context)
        job = context.job
        say(logging.WARNING, "job.returned", id=job.id, type=job.type, abandoned=len(self._running))

    def check(self) -> None:
        """Raises `WorkerWornOut` where there were too many."""
        if self._worn_out is not None:
            raise self._worn_out
