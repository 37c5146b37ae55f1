"""What jobs that share a slot must not share."""

from __future__ import annotations

import asyncio
from contextvars import ContextVar
from typing import Any

import pytest

from forge import Forge, Job, current_job
from tests.database import Database

pytestmark = pytest.mark.anyio

word: ContextVar[str] = ContextVar("word", default="unset")


async def results(db: Database, forge: Forge, number: int, size: int = 1) -> list[Any]:
    await forge.enqueue_many([{"type": "it", "payload": n} for n in range(number)])
    await forge.run_worker({"default": size}, drain=True)
    rows = db.rows("select result from forge.all_jobs order by id")
    return [row["result"] for row in rows]


async def test_context_variables_stay_with_their_job(db: Database) -> None:
    async with Forge(db.dsn) as forge:

        @forge.handler("it")
        async def handler(job: Job) -> list[Any]:
            before = word.get()
            word.set(f"of {job.payload}")
            await asyncio.sleep(0.001)
            child = await asyncio.create_task(read())
            return [before, word.get(), child, current_job().id == job.id]

        async def read() -> str:
            return word.get()

        seen = await results(db, forge, 6, size=2)
    assert seen == [["unset", f"of {n}", f"of {n}", True] for n in range(6)]
    assert word.get() == "unset"


async def test_a_timeout_within_a_handler_stays_within_it(db: Database) -> None:
    async with Forge(db.dsn) as forge:

        @forge.handler("it")
        async def handler(job: Job) -> str:
            try:
                async with asyncio.timeout(0.01):
                    await asyncio.sleep(60)
            except TimeoutError:
                await asyncio.sleep(0)
                return "timed out"
            return "slept"

        assert await results(db, forge, 3) == ["timed out"] * 3


async def test_a_task_group_fails_its_job_and_no_other(db: Database) -> None:
    async with Forge(db.dsn) as forge:

        @forge.handler("it")
        async def handler(job: Job) -> int:
            async with asyncio.TaskGroup() as group:
                group.create_task(asyncio.sleep(60 if job.payload == 1 else 0))
                group.create_task(fail(job.payload == 1))
            return int(job.payload)

        async def fail(now: bool) -> None:
            if now:
                raise ValueError("one of the group")

        assert await results(db, forge, 3) == [0, None, 2]
    (row,) = db.rows("select errors from forge.jobs")
    assert row["errors"][0]["error_type"] == "ExceptionGroup"


async def test_a_handler_that_raises_cancelled_error_by_itself_has_failed(db: Database) -> None:
    async with Forge(db.dsn) as forge:

        @forge.handler("it")
        async def handler(job: Job) -> str:
            if job.payload == 0:
                future = asyncio.get_running_loop().create_future()
                future.cancel()
                await future
            return "ran"

        assert await results(db, forge, 3) == [None, "ran", "ran"]
    (row,) = db.rows("select errors from forge.jobs")
    assert "CancelledError" in row["errors"][0]["error_type"]


async def test_a_failed_job_leaves_the_traceback_of_its_handler_only(db: Database) -> None:
    async with Forge(db.dsn) as forge:

        @forge.handler("it")
        async def handler(job: Job) -> None:
            raise LookupError("where")

        await results(db, forge, 1)
    (row,) = db.rows("select errors from forge.jobs")
    traceback = row["errors"][0]["traceback"]
    assert 'raise LookupError("where")' in traceback
