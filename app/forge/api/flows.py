"""Jobs that wait: parents and their results, batches, conditions.

Conditions are only listed here: they are SQL that runs with the rights of the role that asks, and
over HTTP that would be the API's.
"""

from __future__ import annotations

from litestar import get, post
from litestar.di import NamedDependency
from litestar.params import JSONBody

from forge import db
from forge.api import present, shapes
from forge.api.access import Access, Right
from forge.api.bodies import NewBatch
from forge.api.database import Database
from forge.api.documented import TAKES_IN, problems
from forge.api.parameters import After, JobId, Limit, only, or_absent
from forge.api.requests import BATCH_BODY_LIMIT
from forge.models import Change, Child, Condition, Parent


@get("/jobs/{job_id:int}/parents", opt={"right": Right.READ_PARENTS}, responses=problems("JQ003"))
async def list_parents(
    job_id: JobId,
    database: NamedDependency[Database],
    access: NamedDependency[Access],
    after: After = None,
    limit: Limit = 50,
) -> shapes.Parents:
    """List the jobs that a job depends on, with what came of them."""
    async with database.connection() as conn:
        rows = await db.call(
            conn, "parents", Parent, id=job_id, after=or_absent(after), max_rows=limit
        )
    return present.parents(rows, limit, access)


@get("/jobs/{job_id:int}/children", opt={"right": Right.READ_JOB}, responses=problems(404))
async def list_children(
    job_id: JobId, database: NamedDependency[Database], after: After = None, limit: Limit = 50
) -> shapes.Children:
    """List the jobs that depend on a job, or did."""
    async with database.connection() as conn:
        rows = await db.call(
            conn, "children", Child, id=job_id, after=or_absent(after), max_rows=limit
        )
    return shapes.Children(items=rows, next=rows[-1].id if len(rows) == limit else None)


@post(
    "/batches",
    opt={"right": Right.ENQUEUE},
    request_max_body_size=BATCH_BODY_LIMIT,
    responses=problems(*TAKES_IN),
    response_description="The callback's id.",
)
async def open_batch(data: JSONBody[NewBatch], database: NamedDependency[Database]) -> shapes.Batch:
    """Open a batch; with `jobs`, enqueue these in it and close it."""
    arguments = data.arguments()
    function = "enqueue_batch" if "jobs" in arguments else "open_batch"
    async with database.connection() as conn:
        return shapes.Batch(id=await db.call_value(conn, function, **arguments))


@post(
    "/batches/{job_id:int}/close",
    opt={"right": Right.ENQUEUE},
    status_code=200,
    responses=problems("JQ003", "JQ004"),
)
async def close_batch(job_id: JobId, database: NamedDependency[Database]) -> Change:
    """Close a batch: its callback runs when the jobs that are in it have ended."""
    async with database.connection() as conn:
        return only(await db.call(conn, "close_batch", Change, id=job_id))


@get("/conditions", opt={"right": Right.READ}, responses=problems())
async def list_conditions(
    database: NamedDependency[Database], after: After = None, limit: Limit = 50
) -> shapes.Conditions:
    """List the SQL conditions that jobs wait for."""
    async with database.connection() as conn:
        rows = await db.call(
            conn, "list_conditions", Condition, after=or_absent(after), max_rows=limit
        )
    return present.conditions(rows, limit)
