"""What a producer may call: enqueue."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, TypedDict, Unpack

import psycopg
from psycopg.rows import scalar_row

from forge.calls.arguments import as_json, given, zoned
from forge.calls.caller import Caller
from forge.db import Connection, statement
from forge.errors import translate
from forge.models import Enqueued
from forge.worker.registry import Registry

BATCH: Final = 10_000  # the most jobs that forge.enqueue_many takes

NewJob = Mapping[str, Any]


class JobOptions(TypedDict, total=False):
    """What a job may be told besides its type and payload; None is SQL's default."""

    queue: str | None
    priority: int | None
    scheduled_at: datetime | None
    max_retries: int | None
    unique_key: str | None
    retry_base: timedelta | None
    retry_factor: float | None
    retry_cap: timedelta | None
    retry_jitter: float | None
    tags: Sequence[str] | None
    unique_by: Sequence[str] | None
    unique_scope: str | None
    unique_for: timedelta | None
    on_conflict: str | None
    debounce: timedelta | None
    debounce_max: timedelta | None
    concurrency_key: str | None
    depends_on: Sequence[int] | None
    on_parent_failure: str | None
    batch: int | None
    timeout: timedelta | None
    retry_rules: Sequence[Mapping[str, Any]] | None


LISTS: Final = ("tags", "unique_by", "depends_on")


class ProducerCalls(Caller):
    registry: Registry

    async def enqueue(
        self,
        type: str,
        payload: Any = None,
        *,
        connection: Connection | None = None,
        **options: Unpack[JobOptions],
    ) -> int:
        """Adds one job, in the caller's transaction: it exists when that commits, and never if it does not.

        The caller's transaction is that of `connection`; without one the job is committed at once.
        `queue` defaults to the one that the type's handler names. Returns the job's id.
        Raises `InvalidArgument`, `PayloadTooLarge`. SQL: forge.enqueue
        """  # noqa: E501
        job = self._job(type, payload, options)
        id: int = await self._value("enqueue", connection, **job)
        return id

    def enqueue_sync(
        self,
        connection: psycopg.Connection[Any],
        type: str,
        payload: Any = None,
        **options: Unpack[JobOptions],
    ) -> int:
        """As `enqueue`, for code without asyncio: joins the transaction of a psycopg connection.

        With any other driver call the function itself: `select forge.enqueue(…)`.
        """
        job = self._job(type, payload, options)
        try:
            with connection.cursor(row_factory=scalar_row) as cursor:
                id: int = cursor.execute(statement("enqueue", tuple(job)), job).fetchall()[0]
        except psycopg.Error as error:
            raise translate(error) from error
        return id

    async def enqueue_many(
        self, jobs: Iterable[NewJob], *, connection: Connection | None = None
    ) -> list[Enqueued]:
        """Adds many jobs in one call and one statement, in the caller's transaction: all of them or none.

        Each job is a mapping with the parameters of `enqueue` as keys; at most 10,000 of them, for
        more see `enqueue_stream`. Raises `InvalidArgument`, `PayloadTooLarge`.
        SQL: forge.enqueue_many
        """  # noqa: E501
        rows = as_json("jobs", [self._row(job) for job in jobs])
        return await self._many(Enqueued, "enqueue_many", connection, jobs=rows)

    async def enqueue_stream(
        self,
        jobs: Iterable[NewJob] | AsyncIterable[NewJob],
        *,
        batch: int = BATCH,
        connection: Connection | None = None,
    ) -> AsyncIterator[list[Enqueued]]:
        """Adds any number of jobs, `batch` at a time, and yields each batch's rows when it is in.

        Without `connection` each batch is committed by itself: an error leaves those before it.
        """
        waiting: list[NewJob] = []
        async for job in _each(jobs):
            waiting.append(job)
            if len(waiting) == batch:
                yield await self.enqueue_many(waiting, connection=connection)
                waiting = []
        if waiting:
            yield await self.enqueue_many(waiting, connection=connection)

    def _job(self, type: str, payload: Any, options: JobOptions) -> dict[str, Any]:
        if unknown := options.keys() - JobOptions.__annotations__.keys():
            raise TypeError(f"enqueue has no parameter {', '.join(sorted(unknown))}")
        queue = options.get("queue") or self.registry.queue_of(type)
        payload = as_json("payload", payload)
        job = given(type=type, payload=payload, **{**options, "queue": queue})
        for name in LISTS:
            if name in job:
                job[name] = list(job[name])
        if "retry_rules" in job:
            job["retry_rules"] = as_json("retry_rules", job["retry_rules"])
        return job

    def _row(self, job: NewJob) -> dict[str, Any]:
        row = {name: zoned(name, value) for name, value in job.items()}
        queue = self.registry.queue_of(row.get("type", ""))
        return row if queue is None or row.get("queue") else {**row, "queue": queue}


async def _each(jobs: Iterable[NewJob] | AsyncIterable[NewJob]) -> AsyncIterator[NewJob]:
    if isinstance(jobs, AsyncIterable):
        async for job in jobs:
            yield job
    else:
        for job in jobs:
            yield job
