"""What Forge says of itself: what is wrong, its error codes, the life of a job."""

from __future__ import annotations

from litestar import get
from litestar.di import NamedDependency

from forge import db
from forge.api import shapes
from forge.api.access import Right
from forge.api.database import Database
from forge.api.documented import problems
from forge.models import AppliedMigration, ErrorCode, Finding, Transition


@get("/doctor", opt={"right": Right.READ}, responses=problems())
async def doctor(database: NamedDependency[Database]) -> shapes.Findings:
    """Look for what is wrong with the queues, and with the server under them."""
    async with database.connection() as conn:
        return shapes.Findings(items=await db.call(conn, "doctor", Finding))


@get("/errors", opt={"right": Right.SESSION}, responses=problems())
async def list_errors(database: NamedDependency[Database]) -> shapes.ErrorCodes:
    """List the error codes of SQL."""
    async with database.connection() as conn:
        return shapes.ErrorCodes(items=await db.call(conn, "errors", ErrorCode))


@get("/transitions", opt={"right": Right.SESSION}, responses=problems())
async def list_transitions(database: NamedDependency[Database]) -> shapes.Transitions:
    """List every legal change of a job's status, and the function that makes it."""
    async with database.connection() as conn:
        return shapes.Transitions(items=await db.call(conn, "transitions", Transition))


@get("/migrations", opt={"right": Right.READ}, responses=problems())
async def list_migrations(database: NamedDependency[Database]) -> shapes.Migrations:
    """List the migrations that the database has had, and the version of its functions."""
    async with database.connection() as conn:
        return shapes.Migrations(
            version=await db.call_value(conn, "version"),
            items=await db.call(conn, "migrations", AppliedMigration),
        )
