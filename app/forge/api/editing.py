"""Jobs: change a live one; change, cancel, or run many now or again by a filter."""

from __future__ import annotations

from typing import Any

from litestar import patch, post
from litestar.di import NamedDependency
from litestar.params import JSONBody

from forge import db
from forge.api import present, shapes
from forge.api.access import Access, Right
from forge.api.change_bodies import JobChange, JobsChange
from forge.api.database import Database
from forge.api.documented import WITH_BODY, problems
from forge.api.filter_bodies import JobsFilter
from forge.api.parameters import JobId, only
from forge.api.requests import JOB_BODY_LIMIT
from forge.models import Edited, JobView

_DOCUMENTS = ("payload", "merge_payload")


def _sent(arguments: dict[str, Any]) -> dict[str, Any]:
    return {
        name: db.jsonb(value) if name in _DOCUMENTS else value for name, value in arguments.items()
    }


@patch(
    "/jobs/{job_id:int}",
    opt={"right": Right.OPERATE},
    request_max_body_size=JOB_BODY_LIMIT,
    responses=problems(*WITH_BODY, "JQ003", "JQ004", "JQ005", "JQ012", "JQ014"),
)
async def edit_job(
    job_id: JobId,
    data: JSONBody[JobChange],
    database: NamedDependency[Database],
    access: NamedDependency[Access],
) -> shapes.Job:
    """Change a live job; of one that runs, what its next attempt will be.

    A running job's queue, time and timeout stay as they are.
    """
    async with database.connection() as conn:
        row = only(await db.call(conn, "edit", JobView, id=job_id, **_sent(data.arguments())))
    return present.job(row, access)


@post(
    "/jobs/edit",
    opt={"right": Right.OPERATE},
    status_code=200,
    responses=problems(*WITH_BODY, "JQ014"),
)
async def edit_jobs(data: JSONBody[JobsChange], database: NamedDependency[Database]) -> Edited:
    """Change the waiting jobs that match, up to `limit` a call.

    Call again with `after` = `last_id` while `more` is true.
    """
    async with database.connection() as conn:
        return only(await db.call(conn, "edit_jobs", Edited, **_sent(data.arguments())))


@post(
    "/jobs/cancel",
    opt={"right": Right.OPERATE},
    status_code=200,
    responses=problems(*WITH_BODY),
)
async def cancel_jobs(data: JSONBody[JobsFilter], database: NamedDependency[Database]) -> Edited:
    """Cancel the live jobs that match, up to `limit` a call; those that run are asked to stop.

    Call again with `after` = `last_id` while `more` is true.
    """
    async with database.connection() as conn:
        return only(await db.call(conn, "cancel_jobs", Edited, **data.arguments()))


@post(
    "/jobs/retry",
    opt={"right": Right.OPERATE},
    status_code=200,
    responses=problems(*WITH_BODY),
)
async def retry_jobs(data: JSONBody[JobsFilter], database: NamedDependency[Database]) -> Edited:
    """Run the jobs that match now instead of later, up to `limit` a call; or again, if CANCELLED.

    Without a `status` those that are PENDING. Call again with `after` = `last_id` while `more` is
    true.
    """
    async with database.connection() as conn:
        return only(await db.call(conn, "retry_jobs", Edited, **data.arguments()))
