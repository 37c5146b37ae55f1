"""Outcomes on their way to SQL.

An outcome stays here until the database has taken it, however long the database is away; the
lease decides whether it still counts.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Final

from forge.db import Connection
from forge.worker.held import Held
from forge.worker.link import ABSENCE, Link
from forge.worker.outcome import Outcome, refused, send

BATCH: Final = 100  # outcomes that share a commit


class Outbox:
    """Sends outcomes, many to a commit."""

    def __init__(self, link: Link, held: Held) -> None:
        self._link = link
        self._held = held
        self._waiting: deque[Outcome] = deque()
        self._more = asyncio.Event()
        self._empty = asyncio.Event()
        self._empty.set()

    def put(self, outcome: Outcome) -> None:
        self._waiting.append(outcome)
        self._empty.clear()
        self._more.set()

    @property
    def is_empty(self) -> bool:
        return self._empty.is_set()

    async def emptied(self) -> None:
        await self._empty.wait()

    async def run(self) -> None:
        while True:
            await self._more.wait()
            self._more.clear()
            while self._waiting:
                size = min(BATCH, len(self._waiting))
                batch = [self._waiting.popleft() for _ in range(size)]
                await self._send(batch)
                for outcome in batch:
                    self._held.drop(outcome.context)
            self._empty.set()

    async def _send(self, batch: list[Outcome]) -> None:
        # Rows are locked by ascending id everywhere, so that no two callers deadlock.
        batch.sort(key=lambda outcome: outcome.context.job.id)

        async def together(conn: Connection) -> None:
            async with conn.transaction():
                for outcome in batch:
                    await send(conn, outcome)

        try:
            await self._link.insist(together, ABSENCE)
        except Exception as error:
            if len(batch) > 1:  # one was refused, and so none was taken: each by itself
                for outcome in batch:
                    await self._send([outcome])
            elif (instead := refused(batch[0], error)) is not None:
                await self._send([instead])
