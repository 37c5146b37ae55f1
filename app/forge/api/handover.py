"""Claims that reach whoever asked for them, or are given back.

Between the commit of a claim and its answer a client may go away, and a shutdown may cut a request
off. So a claim is a task of its own that nobody cancels, and what it cannot hand over it releases,
as if it had not been claimed. What nobody can know is whether an answer that went out arrived:
those jobs come back when their lease ends.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import suppress
from typing import Any, TypeVar

import psycopg

from forge import db
from forge.api.client import Client
from forge.api.database import Database
from forge.errors import ForgeError, LeaseLost
from forge.models import Change, Job

logger = logging.getLogger("forge.api")

T = TypeVar("T")
Call = Callable[[db.Connection], Awaitable[list[Job]]]


class Handover:
    """Makes claims for clients."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._under_way: set[asyncio.Task[Any]] = set()

    async def claim(self, client: Client, call: Call) -> list[Job]:
        """The jobs that `call` claims; none for a client that is not there to take them.

        To be answered without another wait: the client may go away in it.
        """
        claiming = self._begin(self._claim(call))
        try:
            jobs = await asyncio.shield(claiming)
            there = not jobs or await client.is_there()
        except asyncio.CancelledError:
            self._begin(self._take_back(claiming))
            raise
        if not there:
            self._begin(self._give_back(jobs))
            return []
        return jobs

    async def settled(self) -> None:
        """Waits for what is under way."""
        while self._under_way:
            await asyncio.wait(self._under_way)

    def _begin(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        task = asyncio.create_task(work)
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)
        return task

    async def _claim(self, call: Call) -> list[Job]:
        async with self._database.connection() as conn:
            return await call(conn)

    async def _take_back(self, claiming: asyncio.Task[list[Job]]) -> None:
        await asyncio.wait([claiming])
        if claiming.exception() is None:
            await self._give_back(claiming.result())

    async def _give_back(self, jobs: Sequence[Job]) -> None:
        try:
            async with self._database.connection() as conn:
                for job in jobs:
                    await _release(conn, job)
        except (ForgeError, psycopg.Error) as error:
            ids = ", ".join(str(job.id) for job in jobs)
            logger.warning("not all given back, until their lease ends: jobs %s: %s", ids, error)


async def _release(conn: db.Connection, job: Job) -> None:
    with suppress(LeaseLost):  # where it was short, and is over
        await db.call(conn, "release", Change, id=job.id, lease=job.lease, queue=job.queue)
