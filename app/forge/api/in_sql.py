"""What the database does by itself: functions that run jobs, and tables whose changes make some.

Read only: to make either takes the rights of a login on its own functions and tables, and the
API's login has those of nobody who calls it.
"""

from __future__ import annotations

from typing import Any

from litestar import get
from litestar.di import NamedDependency
from msgspec import structs

from forge import db
from forge.api.access import Right
from forge.api.database import Database
from forge.api.documented import problems
from forge.api.shapes import Shape
from forge.models import SqlHandler, TableChange


class SqlHandlerShape(SqlHandler, frozen=True, kw_only=True, rename={"timeout": "timeout_seconds"}):
    """A type whose jobs an SQL function runs; `problem` says why it cannot."""

    timeout: float | None  # type: ignore[assignment]


class SqlHandlers(Shape, frozen=True, kw_only=True):
    items: list[SqlHandlerShape]


class TableChangeShape(
    TableChange, frozen=True, kw_only=True, rename={"debounce": "debounce_seconds"}
):
    """A table whose changes make jobs."""

    debounce: float | None  # type: ignore[assignment]


class TableChanges(Shape, frozen=True, kw_only=True):
    items: list[TableChangeShape]


def _in_seconds(row: SqlHandler | TableChange, name: str) -> dict[str, Any]:
    fields = structs.asdict(row)
    if fields[name] is not None:
        fields[name] = fields[name].total_seconds()
    return fields


@get("/sql-handlers", opt={"right": Right.READ}, responses=problems())
async def list_sql_handlers(database: NamedDependency[Database]) -> SqlHandlers:
    """List the types whose jobs an SQL function runs."""
    async with database.connection() as conn:
        rows = await db.call(conn, "list_sql_handlers", SqlHandler)
    return SqlHandlers(items=[SqlHandlerShape(**_in_seconds(row, "timeout")) for row in rows])


@get("/changes", opt={"right": Right.READ}, responses=problems())
async def list_changes(database: NamedDependency[Database]) -> TableChanges:
    """List the tables whose changes make jobs."""
    async with database.connection() as conn:
        rows = await db.call(conn, "list_changes", TableChange)
    return TableChanges(items=[TableChangeShape(**_in_seconds(row, "debounce")) for row in rows])
