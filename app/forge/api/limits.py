"""The limits of queues and of the keys in them."""

from __future__ import annotations

from litestar import get, patch
from litestar.di import NamedDependency
from litestar.params import JSONBody

from forge import db
from forge.api import present, shapes
from forge.api.access import Right
from forge.api.bodies import LimitSettings
from forge.api.database import Database
from forge.api.documented import WITH_BODY, problems
from forge.api.parameters import QueuePath, only
from forge.models import LimitsRow


@get("/limits", opt={"right": Right.READ}, responses=problems())
async def list_limits(database: NamedDependency[Database]) -> shapes.AllLimits:
    """List the queues that have limits."""
    async with database.connection() as conn:
        rows = await db.call(conn, "list_limits", LimitsRow)
    return shapes.AllLimits(items=[present.limits(row) for row in rows])


# A queue's name may hold slashes, hence `path`, which can only be the end.
@patch("/limits/{name:path}", opt={"right": Right.OPERATE}, responses=problems(*WITH_BODY))
async def change_limits(
    name: QueuePath, data: JSONBody[LimitSettings], database: NamedDependency[Database]
) -> shapes.Limits:
    """Change the limits of a queue and of the keys in it."""
    queue = name.removeprefix("/")
    async with database.connection() as conn:
        row = only(await db.call(conn, "set_limits", LimitsRow, queue=queue, **data.arguments()))
    return present.limits(row)
