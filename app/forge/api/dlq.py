"""The dead-letter queue by error; retry, at once or bit by bit; discard. Its list is in `lists`."""

from __future__ import annotations

from litestar import delete, get, post
from litestar.di import NamedDependency
from litestar.exceptions import NotFoundException
from litestar.params import JSONBody

from forge import db
from forge.api import shapes
from forge.api.access import Right
from forge.api.database import Database
from forge.api.documented import WITH_BODY, problems
from forge.api.filter_bodies import DeadFilter, DeadRetry
from forge.api.parameters import (
    Before,
    JobId,
    Limit,
    NameFilter,
    RevivalId,
    only,
    or_absent,
)
from forge.models import Change, DeadGroup, Revival, Revived

SAMPLE = 10


@post(
    "/dlq/{job_id:int}/retry",
    opt={"right": Right.OPERATE},
    status_code=200,
    responses=problems("JQ003", "JQ004"),
)
async def retry_dead_job(job_id: JobId, database: NamedDependency[Database]) -> Change:
    """Bring a dead job back, with all its retries."""
    async with database.connection() as conn:
        return only(await db.call(conn, "retry", Change, id=job_id))


@post(
    "/dlq/retry",
    opt={"right": Right.OPERATE},
    status_code=200,
    responses=problems(*WITH_BODY),
)
async def retry_dead_jobs(
    database: NamedDependency[Database], data: JSONBody[DeadRetry | None] = None
) -> shapes.Retried:
    """Bring dead jobs back, up to `limit` a call; without a body, any.

    Call again while `more` is true. With `rate` or `canary` the first come back now, and the rest
    by itself: see `/revivals`.
    """
    wanted = data or DeadRetry()
    async with database.connection() as conn:
        rows = await db.call(conn, "retry_dead", Revived, **wanted.arguments())
    revival = rows[0].revival if rows else None
    return shapes.Retried(
        retried=len(rows),
        more=revival is None and len(rows) == wanted.limit,
        revival=revival,
        sample=rows[:SAMPLE] if wanted.dry_run else None,
    )


@post(
    "/dlq/discard",
    opt={"right": Right.OPERATE},
    status_code=200,
    responses=problems(*WITH_BODY),
)
async def discard_dead_jobs(
    database: NamedDependency[Database], data: JSONBody[DeadFilter]
) -> shapes.Discarded:
    """Take dead jobs out for good, up to `limit` a call; the history keeps them for a while.

    Call again while `more` is true.
    """
    async with database.connection() as conn:
        rows = await db.call(conn, "discard_dead", Change, **data.arguments())
    return shapes.Discarded(discarded=len(rows), more=len(rows) == data.limit)


@get("/dlq/groups", opt={"right": Right.READ}, responses=problems())
async def list_dead_groups(
    database: NamedDependency[Database],
    queue: NameFilter = None,
    type: NameFilter = None,
    limit: Limit = 50,
) -> shapes.DeadGroups:
    """List dead jobs by error, with counts and a sample; the latest group first."""
    async with database.connection() as conn:
        rows = await db.call(
            conn,
            "dead_groups",
            DeadGroup,
            queue=or_absent(queue),
            type=or_absent(type),
            max_rows=limit,
        )
    return shapes.DeadGroups(items=rows)


@get("/revivals", opt={"right": Right.READ}, responses=problems())
async def list_revivals(
    database: NamedDependency[Database], before: Before = None, limit: Limit = 50
) -> shapes.Revivals:
    """List revivals of many dead jobs, the newest first."""
    async with database.connection() as conn:
        rows = await db.call(
            conn, "list_revivals", Revival, before=or_absent(before), max_rows=limit
        )
    return shapes.Revivals(items=rows, next=rows[-1].id if len(rows) == limit else None)


@post(
    "/revivals/{revival_id:int}/cancel",
    opt={"right": Right.OPERATE},
    status_code=200,
    responses=problems("JQ404"),
)
async def cancel_revival(revival_id: RevivalId, database: NamedDependency[Database]) -> Revival:
    """End a revival; what is not revived yet stays dead."""
    async with database.connection() as conn:
        rows = await db.call(conn, "cancel_revival", Revival, id=revival_id)
    if not rows:
        raise NotFoundException
    return only(rows)


@delete(
    "/dlq/{job_id:int}",
    opt={"right": Right.OPERATE},
    status_code=200,
    responses=problems("JQ003", "JQ004"),
)
async def discard_dead_job(job_id: JobId, database: NamedDependency[Database]) -> Change:
    """Take a dead job out for good; the history keeps it for a while."""
    async with database.connection() as conn:
        return only(await db.call(conn, "discard", Change, id=job_id))
