"""Lists of jobs, live and finished or dead, by filter; and how many there are."""

from __future__ import annotations

from typing import Any

from litestar import Request, get
from litestar.di import NamedDependency

from forge import db
from forge.api import present, shapes
from forge.api.access import Access, Right
from forge.api.database import Database
from forge.api.documented import problems
from forge.api.filters import (
    CreatedAfter,
    CreatedBefore,
    DiedBefore,
    ErrorFilter,
    FingerprintFilter,
    PayloadFilter,
    dead_filter,
    job_filter,
)
from forge.api.parameters import (
    Before,
    Limit,
    NameFilter,
    StatusFilter,
    TagFilter,
    only,
    or_absent,
)
from forge.models import BoundedCount, FoundPage, JobView


@get("/jobs", opt={"right": Right.READ}, responses=problems(413))
async def list_jobs(
    request: Request[Any, Any, Any],
    database: NamedDependency[Database],
    access: NamedDependency[Access],
    queue: NameFilter = None,
    type: NameFilter = None,
    status: StatusFilter = None,
    tag: TagFilter = None,
    created_after: CreatedAfter = None,
    created_before: CreatedBefore = None,
    payload: PayloadFilter = None,
    before: Before = None,
    limit: Limit = 50,
) -> shapes.Jobs:
    """List jobs, the newest first.

    Where few jobs match, a page ends before it is full: then `next` is set, and `searched_to` says
    how far back it looked.
    """
    filter = job_filter(
        request,
        payload,
        queue=queue,
        type=type,
        status=status,
        tag=tag,
        created_after=created_after,
        created_before=created_before,
    )
    return await _page("jobs", database, access, filter, before, limit)


@get("/jobs/count", opt={"right": Right.READ}, responses=problems(413))
async def count_jobs(
    request: Request[Any, Any, Any],
    database: NamedDependency[Database],
    queue: NameFilter = None,
    type: NameFilter = None,
    status: StatusFilter = None,
    tag: TagFilter = None,
    created_after: CreatedAfter = None,
    created_before: CreatedBefore = None,
    payload: PayloadFilter = None,
) -> BoundedCount:
    """Count jobs, up to 10,000.

    With `capped` there may be more: the count stopped there, or its time was up.
    """
    filter = job_filter(
        request,
        payload,
        queue=queue,
        type=type,
        status=status,
        tag=tag,
        created_after=created_after,
        created_before=created_before,
    )
    async with database.connection() as conn:
        return only(await db.call(conn, "count_jobs", BoundedCount, **filter))


@get("/dlq", opt={"right": Right.READ}, responses=problems(413))
async def list_dead_jobs(
    request: Request[Any, Any, Any],
    database: NamedDependency[Database],
    access: NamedDependency[Access],
    queue: NameFilter = None,
    type: NameFilter = None,
    tag: TagFilter = None,
    error: ErrorFilter = None,
    fingerprint: FingerprintFilter = None,
    created_after: CreatedAfter = None,
    created_before: CreatedBefore = None,
    died_before: DiedBefore = None,
    payload: PayloadFilter = None,
    before: Before = None,
    limit: Limit = 50,
) -> shapes.Jobs:
    """List dead jobs, the newest first.

    Where few jobs match, a page ends before it is full: then `next` is set, and `searched_to` says
    how far back it looked.
    """
    filter = dead_filter(
        request,
        payload,
        error,
        queue=queue,
        type=type,
        tag=tag,
        fingerprint=fingerprint,
        created_after=created_after,
        created_before=created_before,
        died_before=died_before,
    )
    return await _page("dead", database, access, filter, before, limit)


@get("/dlq/count", opt={"right": Right.READ}, responses=problems(413))
async def count_dead_jobs(
    request: Request[Any, Any, Any],
    database: NamedDependency[Database],
    queue: NameFilter = None,
    type: NameFilter = None,
    tag: TagFilter = None,
    error: ErrorFilter = None,
    fingerprint: FingerprintFilter = None,
    created_after: CreatedAfter = None,
    created_before: CreatedBefore = None,
    died_before: DiedBefore = None,
    payload: PayloadFilter = None,
) -> BoundedCount:
    """Count dead jobs, up to 10,000.

    With `capped` there may be more: the count stopped there, or its time was up.
    """
    filter = dead_filter(
        request,
        payload,
        error,
        queue=queue,
        type=type,
        tag=tag,
        fingerprint=fingerprint,
        created_after=created_after,
        created_before=created_before,
        died_before=died_before,
    )
    async with database.connection() as conn:
        return only(await db.call(conn, "count_dead", BoundedCount, **filter))


async def _page(
    kind: str,
    database: Database,
    access: Access,
    filter: dict[str, Any],
    before: int | None,
    limit: int,
) -> shapes.Jobs:
    async with database.connection() as conn:
        page = only(
            await db.call(
                conn,
                f"search_{kind}",
                FoundPage,
                before=or_absent(before),
                max_rows=limit,
                **filter,
            )
        )
        rows: list[JobView] = []
        if page.ids:
            rows = await db.call(conn, f"list_{kind}", JobView, ids=page.ids, max_rows=limit)
    return present.page(rows, page, access)
