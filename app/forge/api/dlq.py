"""The dead-letter queue: look, retry one or many, discard."""

from __future__ import annotations

from typing import Annotated

from litestar import delete, get, post
from litestar.di import NamedDependency
from litestar.params import JSONBody, QueryParameter

from forge import db
from forge.api import present, shapes
from forge.api.access import Access, Right
from forge.api.bodies import DeadFilter
from forge.api.database import Database
from forge.api.documented import WITH_BODY, problems
from forge.api.parameters import Before, JobId, Limit, NameFilter, only, or_absent
from forge.models import Change, JobView


@get("/dlq", opt={"right": Right.READ}, responses=problems())
async def list_dead_jobs(
    database: NamedDependency[Database],
    access: NamedDependency[Access],
    queue: NameFilter = None,
    type: NameFilter = None,
    error: Annotated[
        str | None, QueryParameter(description="Text that the last error contains.")
    ] = None,
    before: Before = None,
    limit: Limit = 50,
) -> shapes.Jobs:
    """List dead jobs, the newest first."""
    async with database.connection() as conn:
        rows = await db.call(
            conn,
            "list_dead",
            JobView,
            queue=or_absent(queue),
            type=or_absent(type),
            error_contains=or_absent(error),
            before=or_absent(before),
            max_rows=limit,
        )
    return present.page(rows, limit, access)


@post(
    "/dlq/{job_id:int}/retry",
    opt={"right": Right.OPERATE},
    status_code=200,
    responses=problems(404, 409),
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
    database: NamedDependency[Database], data: JSONBody[DeadFilter | None] = None
) -> shapes.Retried:
    """Bring dead jobs back, up to `limit` a call; without a body, any.

    Call again while `more` is true.
    """
    wanted = data or DeadFilter()
    async with database.connection() as conn:
        changes = await db.call(
            conn,
            "retry_dead",
            Change,
            queue=or_absent(wanted.queue),
            type=or_absent(wanted.type),
            error_contains=or_absent(wanted.error),
            died_before=or_absent(wanted.died_before),
            max_jobs=wanted.limit,
        )
    return shapes.Retried(retried=len(changes), more=len(changes) == wanted.limit)


@delete(
    "/dlq/{job_id:int}",
    opt={"right": Right.OPERATE},
    status_code=200,
    responses=problems(404, 409),
)
async def discard_dead_job(job_id: JobId, database: NamedDependency[Database]) -> Change:
    """Take a dead job out for good; the history keeps it for a while."""
    async with database.connection() as conn:
        return only(await db.call(conn, "discard", Change, id=job_id))
