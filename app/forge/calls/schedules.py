"""Schedules: set, steer and list what is enqueued again and again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from forge.calls.arguments import as_json, given
from forge.calls.caller import Caller
from forge.db import Connection
from forge.models import ScheduleRow
from forge.worker.registry import Registry


class ScheduleCalls(Caller):
    registry: Registry

    async def schedule(
        self,
        name: str,
        cron: str,
        type: str,
        payload: Any = None,
        *,
        time_zone: str | None = None,
        queue: str | None = None,
        priority: int | None = None,
        max_retries: int | None = None,
        retry_base: timedelta | None = None,
        retry_factor: float | None = None,
        retry_cap: timedelta | None = None,
        retry_jitter: float | None = None,
        tags: Sequence[str] | None = None,
        concurrency_key: str | None = None,
        timeout: timedelta | None = None,  # noqa: ASYNC109 - the job's, not this call's
        retry_rules: Sequence[Mapping[str, Any]] | None = None,
        catch_up: str | None = None,
        catch_up_limit: int | None = None,
        grace: timedelta | None = None,
        overlap: str | None = None,
        starts_at: datetime | None = None,
        connection: Connection | None = None,
    ) -> ScheduleRow:
        """Enqueues a job again and again, by a cron expression or at an interval; the same name again changes it.

        `queue` defaults to the one that the type's handler names.
        Raises `InvalidArgument`, `PayloadTooLarge`. SQL: forge.schedule
        """  # noqa: E501
        arguments = given(
            name=name,
            cron=cron,
            type=type,
            payload=as_json("payload", payload),
            time_zone=time_zone,
            queue=queue or self.registry.queue_of(type),
            priority=priority,
            max_retries=max_retries,
            retry_base=retry_base,
            retry_factor=retry_factor,
            retry_cap=retry_cap,
            retry_jitter=retry_jitter,
            tags=None if tags is None else list(tags),
            concurrency_key=concurrency_key,
            timeout=timeout,
            retry_rules=as_json("retry_rules", retry_rules),
            catch_up=catch_up,
            catch_up_limit=catch_up_limit,
            grace=grace,
            overlap=overlap,
            starts_at=starts_at,
        )
        return await self._one(ScheduleRow, "schedule", connection, **arguments)

    async def unschedule(self, name: str, *, connection: Connection | None = None) -> ScheduleRow:
        """Removes a schedule. Its jobs stay.

        Raises `ScheduleNotFound`. SQL: forge.unschedule
        """
        return await self._one(ScheduleRow, "unschedule", connection, name=name)

    async def pause_schedule(
        self, name: str, *, connection: Connection | None = None
    ) -> ScheduleRow:
        """Stops a schedule. What comes due until it is resumed is not made up for.

        Raises `ScheduleNotFound`. SQL: forge.pause_schedule
        """
        return await self._one(ScheduleRow, "pause_schedule", connection, name=name)

    async def resume_schedule(
        self, name: str, *, connection: Connection | None = None
    ) -> ScheduleRow:
        """Lets a paused schedule go on, with its next run after now.

        Raises `ScheduleNotFound`. SQL: forge.resume_schedule
        """
        return await self._one(ScheduleRow, "resume_schedule", connection, name=name)

    async def run_schedule(self, name: str, *, connection: Connection | None = None) -> int:
        """Enqueues the job of a schedule now, also while it is paused; its next run stays where it is.

        Returns the job's id. Raises `ScheduleNotFound`. SQL: forge.run_schedule
        """  # noqa: E501
        id: int = await self._value("run_schedule", connection, name=name)
        return id

    async def list_schedules(
        self, name: str | None = None, *, after: str | None = None, max_rows: int | None = None
    ) -> list[ScheduleRow]:
        """The schedules, by name.

        `after` is the last name of the page before. SQL: forge.list_schedules
        """
        arguments = given(name=name, after=after, max_rows=max_rows)
        return await self._many(ScheduleRow, "list_schedules", **arguments)

    async def next_runs(
        self,
        cron: str | None = None,
        count: int | None = None,
        *,
        time_zone: str | None = None,
        name: str | None = None,
        after: datetime | None = None,
    ) -> list[datetime]:
        """When a cron expression, or a schedule, comes next.

        Give `cron` or `name`. Raises `InvalidArgument`, `ScheduleNotFound`. SQL: forge.next_runs
        """
        arguments = given(cron=cron, count=count, time_zone=time_zone, name=name, after=after)
        return await self._values("next_runs", **arguments)
