"""What a viewer may call to look for jobs: lists, searches and counts."""

from __future__ import annotations

from typing import Unpack

from forge.calls.arguments import given
from forge.calls.caller import Caller
from forge.calls.filters import DeadFilter, JobFilter, wanted
from forge.models import BoundedCount, FoundPage, JobView


class ListCalls(Caller):
    async def list_jobs(
        self,
        *,
        before: int | None = None,
        max_rows: int | None = None,
        **filter: Unpack[JobFilter],
    ) -> list[JobView]:
        """Jobs, newest first, live and finished.

        `before` is the last id of the page before. A page may end before it is full where few jobs
        match: `search_jobs` says where to go on. Raises `InvalidArgument`. SQL: forge.list_jobs
        """
        arguments = given(before=before, max_rows=max_rows) | wanted(filter)
        return await self._many(JobView, "list_jobs", **arguments)

    async def search_jobs(
        self,
        *,
        before: int | None = None,
        max_rows: int | None = None,
        **filter: Unpack[JobFilter],
    ) -> FoundPage:
        """One page of list_jobs as ids, and where to go on.

        Raises `InvalidArgument`. SQL: forge.search_jobs
        """
        arguments = given(before=before, max_rows=max_rows) | wanted(filter)
        return await self._one(FoundPage, "search_jobs", **arguments)

    async def count_jobs(self, **filter: Unpack[JobFilter]) -> BoundedCount:
        """How many jobs match a filter: counted up to 10,000, and no longer than a page of list_jobs takes.

        Raises `InvalidArgument`. SQL: forge.count_jobs
        """  # noqa: E501
        return await self._one(BoundedCount, "count_jobs", **wanted(filter))

    async def list_dead(
        self,
        *,
        before: int | None = None,
        max_rows: int | None = None,
        **filter: Unpack[DeadFilter],
    ) -> list[JobView]:
        """The dead-letter queue, newest job first.

        `before` is the last id of the page before. A page may end before it is full where few jobs
        match: `search_dead` says where to go on. Raises `InvalidArgument`. SQL: forge.list_dead
        """
        arguments = given(before=before, max_rows=max_rows) | wanted(filter)
        return await self._many(JobView, "list_dead", **arguments)

    async def search_dead(
        self,
        *,
        before: int | None = None,
        max_rows: int | None = None,
        **filter: Unpack[DeadFilter],
    ) -> FoundPage:
        """One page of list_dead as ids, and where to go on.

        Raises `InvalidArgument`. SQL: forge.search_dead
        """
        arguments = given(before=before, max_rows=max_rows) | wanted(filter)
        return await self._one(FoundPage, "search_dead", **arguments)

    async def count_dead(self, **filter: Unpack[DeadFilter]) -> BoundedCount:
        """How many dead jobs match a filter: counted up to 10,000, and no longer than a page of list_dead takes.

        Raises `InvalidArgument`. SQL: forge.count_dead
        """  # noqa: E501
        return await self._one(BoundedCount, "count_dead", **wanted(filter))
