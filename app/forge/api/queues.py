"""Queues and the workers that pull from them."""

from __future__ import annotations

from litestar import get, patch
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody
from msgspec import UNSET

from forge import db
from forge.api import present, shapes
from forge.api.access import Right
from forge.api.bodies import QueueSettings
from forge.api.database import Database
from forge.api.documented import WITH_BODY, problems
from forge.api.parameters import only
from forge.models import QueueRow, WorkerRow


@get("/queues", opt={"right": Right.READ}, responses=problems())
async def list_queues(database: NamedDependency[Database]) -> shapes.Queues:
    """List queues with their settings."""
    async with database.connection() as conn:
        rows = await db.call(conn, "list_queues", QueueRow)
    return shapes.Queues(items=[present.queue(row) for row in rows])


# A queue's name may hold slashes, hence `path`.
@patch(
    "/queues/{name:path}",
    opt={"right": Right.OPERATE},
    responses=problems(*WITH_BODY),
)
async def change_queue(
    name: FromPath[str], data: JSONBody[QueueSettings], database: NamedDependency[Database]
) -> shapes.Queue:
    """Pause or resume a queue, change how it retries."""
    queue = name.removeprefix("/")
    async with database.connection() as conn, conn.transaction():
        row = only(await db.call(conn, "set_queue", QueueRow, queue=queue, **data.arguments()))
        if data.paused is not UNSET:
            function = "pause" if data.paused else "resume"
            given = {"reason": data.pause_reason} if data.paused and data.pause_reason else {}
            row = only(await db.call(conn, function, QueueRow, queue=queue, **given))
    return present.queue(row)


@get("/workers", opt={"right": Right.READ}, responses=problems())
async def list_workers(database: NamedDependency[Database]) -> shapes.Workers:
    """List registered workers."""
    async with database.connection() as conn:
        return shapes.Workers(items=await db.call(conn, "list_workers", WorkerRow))
