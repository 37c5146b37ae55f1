"""GET /jobs/{id}/log: what a job says while it runs."""

from __future__ import annotations

from litestar import get
from litestar.di import NamedDependency

from forge import db
from forge.api import present, shapes
from forge.api.access import Access, Right
from forge.api.database import Database
from forge.api.documented import problems
from forge.api.jobs import no_such_job
from forge.api.parameters import After, JobId, Limit
from forge.models import JobView, LogLine


@get("/jobs/{job_id:int}/log", opt={"right": Right.READ_JOB}, responses=problems("JQ003"))
async def get_log(
    job_id: JobId,
    database: NamedDependency[Database],
    access: NamedDependency[Access],
    after: After = None,
    limit: Limit = 100,
) -> shapes.Log:
    """Read a job's log, the oldest line first.

    Ask again with the last `next` as `after`, about once a second, to watch a job that runs.
    """
    seen = after or 0
    async with database.connection() as conn:
        lines = await db.call(conn, "job_log", LogLine, id=job_id, after=seen, max_rows=limit)
        if not lines and not await db.call(conn, "job", JobView, id=job_id):
            raise no_such_job(job_id)
    return present.log(lines, seen, access)
