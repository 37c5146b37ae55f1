"""Workers: list, look, have one claim no more."""

from __future__ import annotations

from typing import Annotated

from litestar import get, post
from litestar.di import NamedDependency
from litestar.exceptions import NotFoundException
from litestar.params import PathParameter

from forge import db
from forge.api import present, shapes
from forge.api.access import Right
from forge.api.database import Database
from forge.api.documented import problems
from forge.api.parameters import A_MIDDLE_NAME, Limit
from forge.models import JobView, WorkerRow

WorkerName = Annotated[
    str,
    PathParameter(
        description="The name of the worker, without slashes.", schema_extra=A_MIDDLE_NAME
    ),
]


@get("/workers", opt={"right": Right.READ}, responses=problems())
async def list_workers(database: NamedDependency[Database]) -> shapes.Workers:
    """List registered workers."""
    async with database.connection() as conn:
        return shapes.Workers(items=await db.call(conn, "list_workers", WorkerRow))


@get("/workers/{worker:str}", opt={"right": Right.READ}, responses=problems("JQ404"))
async def get_worker(
    worker: WorkerName, database: NamedDependency[Database], limit: Limit = 50
) -> shapes.WorkerPage:
    """Read one worker, with up to `limit` of its jobs in hand."""
    async with database.connection() as conn:
        jobs = await db.call(conn, "worker_jobs", JobView, worker=worker, max_rows=limit)
        workers = await db.call(conn, "list_workers", WorkerRow)
    return present.worker(_named(worker, workers), jobs)


@post(
    "/workers/{worker:str}/drain",
    opt={"right": Right.OPERATE},
    status_code=200,
    responses=problems("JQ404"),
)
async def drain_worker(worker: WorkerName, database: NamedDependency[Database]) -> WorkerRow:
    """Have a worker claim no more; it finishes the jobs it has, and waits."""
    async with database.connection() as conn:
        return _named(worker, await db.call(conn, "drain_worker", WorkerRow, worker=worker))


@post(
    "/workers/{worker:str}/resume",
    opt={"right": Right.OPERATE},
    status_code=200,
    responses=problems("JQ404"),
)
async def resume_worker(worker: WorkerName, database: NamedDependency[Database]) -> WorkerRow:
    """Let a worker that drains claim again."""
    async with database.connection() as conn:
        return _named(worker, await db.call(conn, "resume_worker", WorkerRow, worker=worker))


def _named(worker: str, rows: list[WorkerRow]) -> WorkerRow:
    for row in rows:
        if row.worker == worker:
            return row
    raise NotFoundException
