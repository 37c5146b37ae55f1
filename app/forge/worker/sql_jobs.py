"""Jobs whose handler is an SQL function: any worker runs them, beside its own.

The function runs in the database, in one call of `forge.run_claimed` that completes or fails the
job as well; what becomes of a failure is decided there.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import Final

import psycopg

from forge.db import Connection, Pool, borrow, call, limit_statements, open_pool
from forge.errors import NotInstalled
from forge.models import Job, Run, SqlHandler
from forge.worker.context import job_context
from forge.worker.link import Link
from forge.worker.log import say
from forge.worker.registry import Handler, Registry

LOOK: Final = 10.0  # seconds between looks at what is registered


class SqlJobs:
    """The types that SQL functions run, kept up to date, and the connections that they run on."""

    def __init__(self, dsn: str, registry: Registry, concurrency: int) -> None:
        self._dsn = dsn
        self._registry = registry
        self._concurrency = concurrency
        self._types: dict[str, str | None] = {}  # to the only queue, if it has one
        self._pool: Pool | None = None
        self._opening = asyncio.Lock()
        self._stack = AsyncExitStack()
        self.handler = Handler("", self.run, None, is_async=True)

    def types(self, queue: str) -> list[str]:
        """Those whose jobs may be claimed from a queue."""
        return [type for type, only in self._types.items() if only in (None, queue)]

    def all_types(self) -> list[str]:
        return list(self._types)

    async def look(self, link: Link) -> bool:
        """Reads what is registered; whether it has changed."""
        try:
            rows = await link.insist(lambda conn: call(conn, "list_sql_handlers", SqlHandler))
        except (NotInstalled, psycopg.errors.InsufficientPrivilege):
            rows = []  # an older schema, or a login that may not: then without
        found = {row.type: row.queue for row in rows if row.type not in self._registry}
        changed, self._types = found != self._types, found
        return changed

    async def watch(self, link: Link, changed: Callable[[], None]) -> None:
        while True:
            await asyncio.sleep(LOOK)
            if await self.look(link):
                changed()

    async def run(self, job: Job) -> None:
        """Runs a claimed job; its end is written in the same transaction as its effects."""
        context = job_context()
        async with borrow(await self._open()) as conn, conn.transaction():
            row = await self._call(conn, job)
        context.acknowledged = True
        if row.status != "COMPLETED":
            say(
                logging.WARNING,
                "job.failed",
                id=job.id,
                type=job.type,
                attempt=row.attempts,
                error=row.error_type,
                status=row.status,
                again=row.scheduled_at if row.status == "PENDING" else "no",
            )

    async def _call(self, conn: Connection, job: Job) -> Run:
        # A function may prepare a statement of any name, so this session prepares none for others.
        conn.prepare_threshold = None
        if job.timeout is not None:
            await limit_statements(conn, job.timeout)
        (row,) = await call(conn, "run_claimed", Run, id=job.id, lease=job.lease, queue=job.queue)
        return row

    async def _open(self) -> Pool:
        async with self._opening:
            if self._pool is None:
                self._pool = await self._stack.enter_async_context(
                    open_pool(
                        self._dsn,
                        min_size=0,
                        max_size=self._concurrency,
                        application_name="forge worker sql",
                    )
                )
            return self._pool

    async def close(self) -> None:
        await self._stack.aclose()
