"""Which connections keep a session of their own, and which go through a pooler that shares them.

A pooler in transaction mode may give each transaction another session: what is prepared, set,
locked or listened to for a session is then somebody else's. FORGE_LISTEN_URL names a connection
that keeps its session, and is taken at its word.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import psycopg

from forge.errors import SettingsError
from forge.settings import Settings

PROCESS: Final = "select pg_backend_pid()"
WANTED: Final = "set FORGE_LISTEN_URL to a connection that keeps its session, past the pooler"


async def keeps_session(conn: psycopg.AsyncConnection[Any]) -> bool:
    """Whether PostgreSQL itself is at the other end: a pooler answers with a process id made up."""
    row = await (await conn.execute(PROCESS)).fetchone()
    return row is not None and row[0] == conn.info.backend_pid


@dataclass(frozen=True)
class Ear:
    """Where to LISTEN: FORGE_LISTEN_URL, else the database itself unless a pooler stands before."""

    database: str
    listen_url: str | None = None

    @property
    def dsn(self) -> str:
        return self.listen_url or self.database

    async def can_hear(self, conn: psycopg.AsyncConnection[Any]) -> bool:
        """Whether a connection to `dsn` keeps what it listens to and locks."""
        return self.listen_url is not None or await keeps_session(conn)


def to_migrate(settings: Settings, database: str) -> str:
    """The connection for `forge migrate`, which locks and sets for its session.

    Raises `SettingsError` where there is none.
    """
    if settings.database_url and settings.listen_url:
        return settings.listen_url
    with psycopg.connect(database, autocommit=True) as conn:
        kept = conn.execute(PROCESS).fetchone() == (conn.info.backend_pid,)
    if not kept:
        raise SettingsError(
            "a pooler shares the sessions of DATABASE_URL, and a migration needs its own",
            None,
            WANTED,
        )
    return database
