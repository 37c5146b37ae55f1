"""What handlers report while they run, on its way to SQL: many jobs and lines to a call."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from msgspec import Raw

from forge.db import Connection, call, jsonb
from forge.models import Beat
from forge.worker.context import JobContext
from forge.worker.link import Link
from forge.worker.log import say

GATHER: Final = 0.2  # seconds that a report may wait for company
BATCH: Final = 100  # jobs a call
SIZE: Final = 1_000_000  # about so many bytes a call
# Of one job, waiting: more is left out, as the job is faster than the network. And as many bytes
# as in a call.
LINES: Final = 1_000


@dataclass
class Unsent:
    """What one job has reported since the last call."""

    far: tuple[float, str | None] | None = None
    lines: list[tuple[float, str, str, Raw | None]] = field(default_factory=list)
    left_out: int = 0
    size: int = 100


class Reports:
    """Implements `context.Reports`: takes reports from any thread."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._unsent: dict[JobContext, Unsent] = {}
        self._sending: dict[JobContext, Unsent] = {}
        self._then: dict[JobContext, Callable[[], None]] = {}
        self._more, self._hurry = asyncio.Event(), asyncio.Event()
        # Called for a job that was cancelled or lost meanwhile.
        self.on_news: Callable[[JobContext, str], None] = lambda context, reason: None

    def log(self, context: JobContext, level: str, message: str, data: Raw | None) -> None:
        """A line of the job's log."""
        with self._lock:
            unsent = self._of(context)
            if len(unsent.lines) < LINES and unsent.size < SIZE:
                unsent.lines.append((time.monotonic(), level, message, data))
                unsent.size += 100 + len(message) + (0 if data is None else len(bytes(data)))
            else:
                unsent.left_out += 1

    def progress(self, context: JobContext, value: float, note: str | None) -> None:
        """How far the job is; the last word before a call counts."""
        with self._lock:
            self._of(context).far = (value, note)

    def _of(self, context: JobContext) -> Unsent:
        unsent = self._unsent.get(context)
        if unsent is None:
            unsent = self._unsent[context] = Unsent()
            context.reported = True
            if self._loop is not None and len(self._unsent) == 1:
                self._loop.call_soon_threadsafe(self._more.set)
        return unsent

    def after(self, context: JobContext, then: Callable[[], None]) -> None:
        """Does something once all that the job has reported is sent, under its lease."""
        with self._lock:
            waiting = context in self._unsent or context in self._sending
            if waiting:
                self._then[context] = then
        if waiting:
            self._hurry.set()
        else:
            then()

    async def run(self) -> None:
        """Sends until it is cancelled."""
        self._loop = asyncio.get_running_loop()
        while True:
            if not self._unsent:
                await self._more.wait()
            self._more.clear()
            timer = self._loop.call_later(GATHER, self._hurry.set)
            await self._hurry.wait()
            timer.cancel()
            self._hurry.clear()
            with self._lock:
                self._sending, self._unsent = self._unsent, {}
            await self._send(self._sending)
            with self._lock:
                sent, self._sending = self._sending, {}
                done = [c for c in sent if c in self._then and c not in self._unsent]
                then = [self._then.pop(context) for context in done]
            for act in then:
                act()

    async def _send(self, reports: dict[JobContext, Unsent]) -> None:
        for batch in _batches(reports):
            documents = jsonb([_document(context, reports[context]) for context in batch])

            async def work(conn: Connection, documents: Any = documents) -> list[Beat]:
                return await call(conn, "report", Beat, reports=documents)

            try:
                news = await self._link.insist(work)
            except Exception as error:  # reports are lost rather than jobs
                say(logging.ERROR, "reports.refused", jobs=len(batch), error=error)
                continue
            by_id = {context.job.id: context for context in batch}
            for beat in news:
                self.on_news(by_id[beat.id], beat.reason)


def _batches(reports: dict[JobContext, Unsent]) -> Iterator[list[JobContext]]:
    """The jobs of each call, by ascending id, as rows are locked everywhere."""
    batch: list[JobContext] = []
    size = 0
    for context in sorted(reports, key=lambda context: context.job.id):
        if batch and (len(batch) == BATCH or size >= SIZE):
            yield batch
            batch, size = [], 0
        batch.append(context)
        size += reports[context].size
    if batch:
        yield batch


def _document(context: JobContext, unsent: Unsent) -> dict[str, Any]:
    now = time.monotonic()
    lines = [
        {"ago": now - at, "level": level, "message": message, "data": data}
        for at, level, message, data in unsent.lines
    ]
    if unsent.left_out:
        text = f"{unsent.left_out} lines were left out: they came faster than they can be sent"
        lines.append({"ago": 0.0, "level": "warning", "message": text, "data": None})
    document: dict[str, Any] = {"id": context.job.id, "lease": context.job.lease, "lines": lines}
    if unsent.far is not None:
        document["progress"], document["note"] = unsent.far
    return document
