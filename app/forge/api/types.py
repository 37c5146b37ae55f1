"""Types, and the settings that hold for all of them."""

from __future__ import annotations

from litestar import get, patch
from litestar.di import NamedDependency
from litestar.params import JSONBody

from forge import db
from forge.api import present, shapes
from forge.api.access import Right
from forge.api.change_bodies import CommonSettings, TypeSettings
from forge.api.database import Database
from forge.api.documented import WITH_BODY, problems
from forge.api.parameters import Limit, NameFilter, TypePath, only, or_absent
from forge.models import KnownType, LogLimits, RetentionRow, SettingsRow, TypeRow


@get("/types", opt={"right": Right.READ}, responses=problems())
async def list_types(
    database: NamedDependency[Database],
    after: NameFilter = None,
    type: NameFilter = None,
    limit: Limit = 100,
) -> shapes.KnownTypes:
    """List the types that are known, by name; with `type`, only this one.

    From workers, schedules, SQL handlers, settings, and the newest jobs.
    """
    async with database.connection() as conn:
        rows = await db.call(
            conn,
            "list_types",
            KnownType,
            after=or_absent(after),
            max_rows=limit,
            type=or_absent(type),
        )
    return present.types(rows, limit)


# The name of a type may hold slashes, hence `path`.
@patch("/types/{name:path}", opt={"right": Right.OPERATE}, responses=problems(*WITH_BODY))
async def change_type(
    name: TypePath, data: JSONBody[TypeSettings], database: NamedDependency[Database]
) -> shapes.KnownType:
    """Change how the jobs of a type retry, and how long an attempt may take."""
    type = name.removeprefix("/")
    async with database.connection() as conn, conn.transaction():
        await db.call(conn, "set_type", TypeRow, type=type, **data.arguments())
        return present.known_type(only(await db.call(conn, "list_types", KnownType, type=type)))


@get("/settings", opt={"right": Right.READ}, responses=problems())
async def get_settings(database: NamedDependency[Database]) -> shapes.Settings:
    """Read what holds for all queues and types, unless they say otherwise."""
    async with database.connection() as conn:
        return present.settings(only(await db.call(conn, "show_settings", SettingsRow)))


@patch("/settings", opt={"right": Right.OPERATE}, responses=problems(*WITH_BODY))
async def change_settings(
    data: JSONBody[CommonSettings], database: NamedDependency[Database]
) -> shapes.Settings:
    """Change how long finished jobs, dead jobs and logs are kept."""
    async with database.connection() as conn, conn.transaction():
        await db.call(conn, "set_retention", RetentionRow, **data.retention())
        await db.call(conn, "set_log", LogLimits, **data.log())
        return present.settings(only(await db.call(conn, "show_settings", SettingsRow)))
