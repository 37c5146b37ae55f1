"""A connection that comes back: opened when first needed, dropped when broken, opened again."""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Final, TypeVar

import psycopg

from forge.db import Connection, connect
from forge.errors import DatabaseUnavailable, LeaseLost, NotInstalled, TryAgain, translate
from forge.worker.log import say

T = TypeVar("T")

# What a later try may overcome, with everything as it was before the call.
PASSING: Final = (DatabaseUnavailable, TryAgain)
# Once it has started, a worker outlasts this too: an upgrade or a rollback is under way.
ABSENCE: Final = (*PASSING, NotInstalled)

FIRST_DELAY: Final = 0.1
LONGEST_DELAY: Final = 15.0


class Outage:
    """Says once that the database is lost and once that it is back, whoever of a worker notices."""

    def __init__(self) -> None:
        self._since: float | None = None
        self._ended = 0.0

    def begin(self, error: Exception, opened: float) -> None:
        """`opened`: since when the broken connection was there: it may be late with its news."""
        if self._since is None and opened >= self._ended:
            self._since = time.monotonic()
            why = getattr(error, "detail", None) or str(error)
            say(logging.ERROR, "database.lost", error=" ".join(why.split())[:300])

    def end(self) -> None:
        if self._since is not None:
            say(logging.WARNING, "database.back", seconds=round(time.monotonic() - self._since, 1))
            self._since = None
            self._ended = time.monotonic()


class Link:
    """One connection for one part of the worker; calls on it take turns."""

    def __init__(self, dsn: str, name: str, outage: Outage) -> None:
        self._dsn = dsn
        self._name = name
        self._outage = outage
        self._conn: Connection | None = None
        self._turn = asyncio.Lock()
        self._failures = 0
        self._opened = 0.0

    @asynccontextmanager
    async def hold(self) -> AsyncIterator[Connection]:
        """The connection, for one user at a time. Raises `DatabaseUnavailable`."""
        async with self._turn:
            try:
                if self._conn is None or self._conn.closed:
                    self._conn = await self._open()
                yield self._conn
            except psycopg.Error as error:
                raise translate(error) from error
            finally:
                if self._conn is not None and self._conn.broken:
                    await self._conn.close()

    async def _open(self) -> Connection:
        self._opened = time.monotonic()
        conn = await connect(self._dsn, application_name=self._name)
        conn.add_notice_handler(_on_notice)
        return conn

    def works(self) -> None:
        """To be called after a success: the next failure starts with the shortest delay."""
        self._failures = 0
        self._outage.end()

    async def rest(self, error: Exception, longest: float = LONGEST_DELAY) -> None:
        """Waits before another try: 0.1 s, doubled up to 15 s, with jitter."""
        if isinstance(error, DatabaseUnavailable):
            self._outage.begin(error, self._opened)
        elif not isinstance(error, TryAgain):
            say(logging.ERROR, "database.error", error=error)
        delay = min(longest, LONGEST_DELAY, FIRST_DELAY * 2 ** min(self._failures, 10))
        self._failures += 1
        await asyncio.sleep(delay * random.uniform(0.5, 1.0))  # noqa: S311 - spreads, hides nothing

    async def insist(
        self,
        work: Callable[[Connection], Awaitable[T]],
        passing: tuple[type[Exception], ...] = PASSING,
    ) -> T:
        """Does the work, again and again until it succeeds. Lasting errors are raised."""
        while True:
            try:
                async with self.hold() as conn:
                    result = await work(conn)
            except passing as error:
                await self.rest(error)
            else:
                self.works()
                return result

    async def close(self) -> None:
        if self._conn is not None:
            await self._conn.close()


def _on_notice(notice: psycopg.errors.Diagnostic) -> None:
    # `forge.exchange` claims on when an acknowledgement came too late, and warns of it.
    if notice.sqlstate == LeaseLost.code:
        say(logging.WARNING, "job.lease_lost", detail=notice.message_detail)
