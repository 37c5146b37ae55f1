"""What workers over HTTP say of themselves and of the jobs that they hold.

Each route is one function of SQL. What is said of a job is fenced by its lease: a stale one is
answered with JQ002 (409), and nothing has changed.
"""

from __future__ import annotations

from litestar import post
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.params import JSONBody

from forge import db
from forge.api import worker_shapes as shapes
from forge.api.access import Right
from forge.api.database import Database
from forge.api.documented import WITH_BODY, problems
from forge.api.parameters import only
from forge.api.requests import BATCH_BODY_LIMIT, JOB_BODY_LIMIT
from forge.api.worker_bodies import (
    Completion,
    Failure,
    Heartbeat,
    NewLine,
    NewWorker,
    OneJob,
    Progress,
    Snooze,
    WorkerName,
)
from forge.models import Beat, Change, Failed

_WORK = {"right": Right.WORK}
_FENCED = problems(*WITH_BODY, 409)


@post("/worker/register", opt=_WORK, status_code=200, responses=problems(*WITH_BODY))
async def register(
    data: JSONBody[NewWorker], database: NamedDependency[Database]
) -> shapes.Registered:
    """Make a worker known, to be seen in lists.

    It stays there for five minutes after its last heartbeat. It holds no lock that would show it
    alive, so what it leaves behind when it dies comes back when the leases end.
    """
    async with database.connection() as conn:
        await db.call_value(conn, "register_worker", **data.arguments(), liveness=False)
    return shapes.Registered(worker=data.worker, changed=True)


@post("/worker/unregister", opt=_WORK, status_code=200, responses=problems(*WITH_BODY))
async def unregister(
    data: JSONBody[WorkerName], database: NamedDependency[Database]
) -> shapes.Registered:
    """Take a worker off the list; it has released or finished its jobs."""
    async with database.connection() as conn:
        changed = await db.call_value(conn, "unregister_worker", worker=data.worker)
    return shapes.Registered(worker=data.worker, changed=changed)


@post(
    "/worker/complete",
    opt=_WORK,
    status_code=200,
    request_max_body_size=JOB_BODY_LIMIT,
    responses=_FENCED,
)
async def complete(data: JSONBody[Completion], database: NamedDependency[Database]) -> shapes.Told:
    """Complete a claimed job, with its result.

    `changed` is false where this lease had completed it already: it is safe to send this again.
    """
    async with database.connection() as conn:
        changed = await db.call_value(conn, "complete", **data.arguments())
    return shapes.Told(id=data.id, changed=changed)


@post(
    "/worker/fail",
    opt=_WORK,
    status_code=200,
    request_max_body_size=BATCH_BODY_LIMIT,  # for a traceback that is cut here
    responses=_FENCED,
)
async def fail(data: JSONBody[Failure], database: NamedDependency[Database]) -> Failed:
    """Report that an attempt failed: the job is retried, or goes to the dead-letter queue."""
    async with database.connection() as conn:
        return only(await db.call(conn, "fail", Failed, **data.arguments()))


@post(
    "/worker/heartbeat",
    opt=_WORK,
    status_code=200,
    request_max_body_size=JOB_BODY_LIMIT,
    responses=problems(*WITH_BODY),
)
async def heartbeat(data: JSONBody[Heartbeat], database: NamedDependency[Database]) -> shapes.Beats:
    """Say that a worker lives, and extend the leases of the jobs it holds.

    Answers with the jobs that need attention. Three times during a lease is right.
    """
    async with database.connection() as conn:
        return shapes.Beats(items=await db.call(conn, "heartbeat", Beat, **data.arguments()))


@post("/worker/release", opt=_WORK, status_code=200, responses=_FENCED)
async def release(data: JSONBody[OneJob], database: NamedDependency[Database]) -> Change:
    """Give a claimed job back at once, as if it had not been claimed: no attempt counts."""
    async with database.connection() as conn:
        return only(await db.call(conn, "release", Change, **data.arguments()))


@post("/worker/snooze", opt=_WORK, status_code=200, responses=_FENCED)
async def snooze(data: JSONBody[Snooze], database: NamedDependency[Database]) -> Change:
    """Put a claimed job off: due again after the delay. The attempt does not count."""
    async with database.connection() as conn:
        return only(await db.call(conn, "snooze", Change, **data.arguments()))


@post("/worker/progress", opt=_WORK, status_code=200, responses=_FENCED)
async def progress(data: JSONBody[Progress], database: NamedDependency[Database]) -> shapes.Told:
    """Record how far a running job has come, for others to see."""
    async with database.connection() as conn:
        changed = await db.call_value(conn, "progress", **data.arguments())
    return shapes.Told(id=data.id, changed=changed)


@post("/worker/log", opt=_WORK, status_code=200, responses=_FENCED)
async def log(data: JSONBody[NewLine], database: NamedDependency[Database]) -> shapes.Told:
    """Add a line to the log of a running job, for others to see.

    `changed` is false where the job has as many lines as it may have.
    """
    async with database.connection() as conn:
        changed = await db.call_value(conn, "log", **data.arguments())
    return shapes.Told(id=data.id, changed=changed)


ROUTES: list[HTTPRouteHandler] = [
    register,
    unregister,
    complete,
    fail,
    heartbeat,
    release,
    snooze,
    progress,
    log,
]
