"""What an operator looks at and turns: workers, types, and what holds for all."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from forge.calls.arguments import given
from forge.calls.caller import Caller
from forge.db import Connection
from forge.models import (
    JobView,
    KnownType,
    LogLimits,
    RetentionRow,
    SettingsRow,
    TypeRow,
    WorkerRow,
)


class OperateCalls(Caller):
    async def drain_worker(
        self, worker: str, *, connection: Connection | None = None
    ) -> WorkerRow | None:
        """Has a worker claim no more: it finishes the jobs it has, and then waits.

        None where no worker has this name. Raises `InvalidArgument`. SQL: forge.drain_worker
        """
        rows = await self._many(WorkerRow, "drain_worker", connection, worker=worker)
        return rows[0] if rows else None

    async def resume_worker(
        self, worker: str, *, connection: Connection | None = None
    ) -> WorkerRow | None:
        """Lets a worker that drains claim again.

        None where no worker has this name. Raises `InvalidArgument`. SQL: forge.resume_worker
        """
        rows = await self._many(WorkerRow, "resume_worker", connection, worker=worker)
        return rows[0] if rows else None

    async def worker_jobs(self, worker: str, *, max_rows: int | None = None) -> list[JobView]:
        """The jobs that a worker has in hand, those that it has had longest first.

        Raises `InvalidArgument`. SQL: forge.worker_jobs
        """
        arguments = given(worker=worker, max_rows=max_rows)
        return await self._many(JobView, "worker_jobs", **arguments)

    async def list_types(
        self, *, after: str | None = None, max_rows: int | None = None, type: str | None = None
    ) -> list[KnownType]:
        """The types that are known: from workers, schedules, handlers, settings, and the newest jobs.

        `after` is the last type of the page before. SQL: forge.list_types
        """  # noqa: E501
        arguments = given(after=after, max_rows=max_rows, type=type)
        return await self._many(KnownType, "list_types", **arguments)

    async def set_type(
        self,
        type: str,
        *,
        retry_base: timedelta | None = None,
        retry_factor: float | None = None,
        retry_cap: timedelta | None = None,
        retry_jitter: float | None = None,
        max_retries: int | None = None,
        timeout: timedelta | None = None,  # noqa: ASYNC109 - a setting, not how long to wait
        unset: Sequence[str] = (),
        connection: Connection | None = None,
    ) -> TypeRow:
        """Changes the settings of a type; they hold for its live jobs too, and go before the queue's.

        What is None stays; `unset` names the settings to put back to their default.
        Raises `InvalidArgument`. SQL: forge.set_type
        """  # noqa: E501
        arguments: dict[str, Any] = given(
            type=type,
            retry_base=retry_base,
            retry_factor=retry_factor,
            retry_cap=retry_cap,
            retry_jitter=retry_jitter,
            max_retries=max_retries,
            timeout=timeout,
            unset=list(unset) or None,
        )
        return await self._one(TypeRow, "set_type", connection, **arguments)

    async def show_settings(self) -> SettingsRow:
        """What holds for all queues and types, unless they say otherwise.

        SQL: forge.show_settings
        """
        return await self._one(SettingsRow, "show_settings")

    async def set_retention(
        self,
        *,
        history: timedelta | None = None,
        dead: timedelta | None = None,
        unset: Sequence[str] = (),
        connection: Connection | None = None,
    ) -> RetentionRow:
        """Changes how long finished and dead jobs are kept.

        What is None stays; `unset` names what goes back to its default.
        Raises `InvalidArgument`. SQL: forge.set_retention
        """
        arguments: dict[str, Any] = given(history=history, dead=dead, unset=list(unset) or None)
        return await self._one(RetentionRow, "set_retention", connection, **arguments)

    async def set_log(
        self,
        *,
        retention: timedelta | None = None,
        lines: int | None = None,
        connection: Connection | None = None,
    ) -> LogLimits:
        """Changes how much of the logs of jobs is kept.

        What is None stays. Raises `InvalidArgument`. SQL: forge.set_log
        """
        arguments = given(retention=retention, lines=lines)
        return await self._one(LogLimits, "set_log", connection, **arguments)
