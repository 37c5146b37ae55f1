"""What an operator may call to change live jobs, one or many."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Unpack

from forge.calls.arguments import as_json, given
from forge.calls.caller import Caller
from forge.calls.filters import LiveFilter, wanted
from forge.db import Connection
from forge.models import Edited, JobView


class EditingCalls(Caller):
    async def edit(
        self,
        id: int,
        *,
        payload: Any = None,
        priority: int | None = None,
        scheduled_at: datetime | None = None,
        to_queue: str | None = None,
        max_retries: int | None = None,
        retry_base: timedelta | None = None,
        retry_factor: float | None = None,
        retry_cap: timedelta | None = None,
        retry_jitter: float | None = None,
        tags: Sequence[str] | None = None,
        timeout: timedelta | None = None,  # noqa: ASYNC109 - of the job's attempts
        unset: Sequence[str] = (),
        queue: str | None = None,
        connection: Connection | None = None,
    ) -> JobView:
        """Changes a live job. What is changed of one that runs takes effect with its next attempt.

        What is None stays; `unset` names what goes back to its default. Raises `JobNotFound`,
        `WrongStatus`, `InvalidArgument`, `PayloadTooLarge`, `PayloadInvalid`. SQL: forge.edit
        """
        arguments = given(
            id=id,
            payload=as_json("payload", payload),
            priority=priority,
            scheduled_at=scheduled_at,
            to_queue=to_queue,
            max_retries=max_retries,
            retry_base=retry_base,
            retry_factor=retry_factor,
            retry_cap=retry_cap,
            retry_jitter=retry_jitter,
            tags=None if tags is None else list(tags),
            timeout=timeout,
            unset=list(unset) or None,
            queue=queue,
        )
        return await self._one(JobView, "edit", connection, **arguments)

    async def edit_jobs(
        self,
        *,
        to_priority: int | None = None,
        to_scheduled_at: datetime | None = None,
        to_queue: str | None = None,
        to_max_retries: int | None = None,
        to_timeout: timedelta | None = None,
        merge_payload: Mapping[str, Any] | None = None,
        unset: Sequence[str] = (),
        after: int | None = None,
        max_jobs: int | None = None,
        dry_run: bool | None = None,
        connection: Connection | None = None,
        **filter: Unpack[LiveFilter],
    ) -> Edited:
        """Changes jobs that wait and match a filter, oldest first, a bounded number at a time.

        Call it again with `after=last_id` while `more` is True. Raises `InvalidArgument`,
        `PayloadTooLarge`, `PayloadInvalid`. SQL: forge.edit_jobs
        """
        arguments = given(
            to_priority=to_priority,
            to_scheduled_at=to_scheduled_at,
            to_queue=to_queue,
            to_max_retries=to_max_retries,
            to_timeout=to_timeout,
            merge_payload=as_json("merge_payload", merge_payload),
            unset=list(unset) or None,
            after=after,
            max_jobs=max_jobs,
            dry_run=dry_run,
        )
        arguments |= wanted(filter)
        return await self._one(Edited, "edit_jobs", connection, **arguments)

    async def cancel_jobs(
        self,
        *,
        after: int | None = None,
        max_jobs: int | None = None,
        dry_run: bool | None = None,
        connection: Connection | None = None,
        **filter: Unpack[LiveFilter],
    ) -> Edited:
        """Cancels live jobs that match a filter, oldest first, a bounded number at a time; those that run are asked to.

        Call it again with `after=last_id` while `more` is True. Raises `InvalidArgument`.
        SQL: forge.cancel_jobs
        """  # noqa: E501
        arguments = given(after=after, max_jobs=max_jobs, dry_run=dry_run) | wanted(filter)
        return await self._one(Edited, "cancel_jobs", connection, **arguments)

    async def retry_jobs(
        self,
        *,
        after: int | None = None,
        max_jobs: int | None = None,
        dry_run: bool | None = None,
        connection: Connection | None = None,
        **filter: Unpack[LiveFilter],
    ) -> Edited:
        """Runs jobs that match a filter now, or again after a cancellation, a bounded number at a time.

        Call it again with `after=last_id` while `more` is True. Raises `InvalidArgument`.
        SQL: forge.retry_jobs
        """  # noqa: E501
        arguments = given(after=after, max_jobs=max_jobs, dry_run=dry_run) | wanted(filter)
        return await self._one(Edited, "retry_jobs", connection, **arguments)
