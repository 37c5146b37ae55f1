"""What a worker may call: claim jobs, keep them, finish them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from forge.calls.arguments import as_json, given
from forge.calls.caller import Caller
from forge.db import Connection, tick
from forge.models import Beat, Change, Failed, Job, TickResult
from forge.worker.context import current


class WorkerCalls(Caller):
    async def dequeue(
        self,
        queue: str | None = None,
        *,
        worker: str | None = None,
        max_jobs: int | None = None,
        lease: timedelta | None = None,
        types: Sequence[str] | None = None,
        connection: Connection | None = None,
    ) -> list[Job]:
        """Claims up to max_jobs due jobs of one queue: higher priority first, then earlier scheduled_at, then id.

        `forge worker` does this for handlers. SQL: forge.dequeue
        """  # noqa: E501
        names = None if types is None else list(types)
        arguments = given(queue=queue, worker=worker, max_jobs=max_jobs, lease=lease, types=names)
        return await self._many(Job, "dequeue", connection, **arguments)

    async def complete(
        self, job: Job, result: Any = None, *, connection: Connection | None = None
    ) -> bool:
        """Completes one claimed job, with its result, in the caller's transaction.

        In a handler the worker then acknowledges the job no more; if that transaction is rolled
        back, raise. Raises `LeaseLost`, `PayloadTooLarge`. SQL: forge.complete
        """
        value = as_json("result", result)
        done: bool = await self._value("complete", connection, **_fence(job), result=value)
        _mark(job, acknowledged=True)
        return done

    async def fail(
        self,
        job: Job,
        error: str,
        *,
        retryable: bool = True,
        retry_in: timedelta | None = None,
        error_type: str | None = None,
        traceback: str | None = None,
        connection: Connection | None = None,
    ) -> Failed:
        """Reports that an attempt failed: the job is retried after its backoff, or goes to the dead-letter queue.

        In a handler raise instead. Raises `LeaseLost`. SQL: forge.fail
        """  # noqa: E501
        more = given(retry_in=retry_in, error_type=error_type, traceback=traceback)
        told = {"error": error, "retryable": retryable, **more}
        return await self._one(Failed, "fail", connection, **_fence(job), **told)

    async def heartbeat(
        self,
        worker: str,
        jobs: Sequence[Job] = (),
        *,
        extend: timedelta | None = None,
        connection: Connection | None = None,
    ) -> list[Beat]:
        """Says that a worker lives, and extends the leases of the jobs it holds.

        `forge worker` does this for handlers. SQL: forge.heartbeat
        """
        held = {"ids": [job.id for job in jobs], "leases": [job.lease for job in jobs]}
        arguments = given(worker=worker, extend=extend, **held)
        return await self._many(Beat, "heartbeat", connection, **arguments)

    async def release(self, job: Job, *, connection: Connection | None = None) -> Change:
        """Gives a claimed job back at once, as if it had not been claimed: the attempt does not count.

        Raises `LeaseLost`. SQL: forge.release
        """  # noqa: E501
        return await self._one(Change, "release", connection, **_fence(job))

    async def snooze(
        self,
        job: Job,
        delay: timedelta,
        note: str | None = None,
        *,
        connection: Connection | None = None,
    ) -> Change:
        """Puts a claimed job off: due again after the delay. The attempt does not count.

        In a handler raise `Snooze` instead. Raises `LeaseLost`. SQL: forge.snooze
        """
        arguments = {**_fence(job), "delay": delay, **given(note=note)}
        return await self._one(Change, "snooze", connection, **arguments)

    async def progress(
        self,
        job: Job,
        value: float,
        note: str | None = None,
        *,
        connection: Connection | None = None,
    ) -> bool:
        """Records how far a running job has come, for others to see.

        `value` is 0 to 1. Raises `InvalidArgument`, `LeaseLost`. SQL: forge.progress
        """
        arguments = {**_fence(job), "value": value, **given(note=note)}
        done: bool = await self._value("progress", connection, **arguments)
        return done

    async def log(
        self,
        job: Job,
        message: str,
        *,
        level: str | None = None,
        data: Any = None,
        connection: Connection | None = None,
    ) -> bool:
        """Adds a line to the log of a running job, for others to see.

        One call a line; in a handler `job.log(…)` sends many together. Raises `InvalidArgument`,
        `LeaseLost`, `PayloadTooLarge`. SQL: forge.log
        """
        more = given(level=level, data=as_json("data", data))
        kept: bool = await self._value("log", connection, **_fence(job), message=message, **more)
        return kept

    async def tick(self, *, connection: Connection | None = None) -> list[TickResult]:
        """Does what is due by time: schedules, lost leases, dead workers, statistics, wake-ups and retention.

        Without `connection` also the vacuum that the tick may ask for. SQL: forge.tick
        """  # noqa: E501
        if connection is not None:
            return await self._many(TickResult, "tick", connection)
        return await self._with(None, tick)


def _fence(job: Job) -> dict[str, Any]:
    return {"id": job.id, "lease": job.lease, "queue": job.queue}


def _mark(job: Job, *, acknowledged: bool) -> None:
    context = current.get(None)
    if context is not None and context.job is job:
        context.acknowledged = acknowledged
