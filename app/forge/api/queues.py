"""Queues: list, look, change, remove."""

from __future__ import annotations

from typing import Annotated

from litestar import delete, get, patch
from litestar.di import NamedDependency
from litestar.exceptions import NotFoundException
from litestar.params import JSONBody, QueryParameter
from msgspec import UNSET

from forge import db
from forge.api import present, shapes
from forge.api.access import Right
from forge.api.bodies import QueueSettings
from forge.api.database import Database
from forge.api.documented import WITH_BODY, problems
from forge.api.parameters import After, QueuePath, only, or_absent
from forge.models import OverviewRow, QueueRow

DropLimit = Annotated[int, QueryParameter(ge=1, le=10_000, description="Jobs a call.")]


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
    name: QueuePath, data: JSONBody[QueueSettings], database: NamedDependency[Database]
) -> shapes.Queue:
    """Pause or resume a queue, change how it retries."""
    queue = name.removeprefix("/")
    async with database.connection() as conn, conn.transaction():
        row = only(await db.call(conn, "set_queue", QueueRow, queue=queue, **data.arguments()))
        if data.paused is not UNSET:
            function = "pause" if data.paused else "resume"
            given = (
                {"reason": data.pause_reason}
                if data.paused and data.pause_reason is not UNSET
                else {}
            )
            row = only(await db.call(conn, function, QueueRow, queue=queue, **given))
    return present.queue(row)


@get("/queues/{name:path}", opt={"right": Right.READ}, responses=problems("JQ404"))
async def get_queue(name: QueuePath, database: NamedDependency[Database]) -> shapes.QueuePage:
    """Read all that a page of one queue shows: settings, numbers, limits, admission, workers."""
    queue = name.removeprefix("/")
    async with database.connection() as conn:
        rows = await db.call(conn, "queue_page", OverviewRow, queue=queue)
    if not any(row.topic in ("queue", "stats") for row in rows):
        raise NotFoundException
    return present.queue_page(rows)


@delete(
    "/queues/{name:path}",
    opt={"right": Right.OPERATE},
    status_code=200,
    responses=problems(),
)
async def drop_queue(
    name: QueuePath,
    database: NamedDependency[Database],
    after: After = None,
    limit: DropLimit = 1000,
) -> shapes.QueueDropped:
    """Remove a queue for good: its jobs, their history, its settings and its numbers.

    Pause it and stop its workers first. One call removes `limit` jobs; call again until `dropped`.
    """
    queue = name.removeprefix("/")
    async with database.connection() as conn:
        dropped = await db.call_value(
            conn, "drop_queue", queue=queue, after=or_absent(after), max_jobs=limit
        )
    return shapes.QueueDropped(queue=queue, dropped=dropped)
