"""The API's connections: a pool that starts without a database and says so quickly."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from msgspec import Raw
from psycopg import AsyncConnection
from psycopg.types.json import set_json_loads
from psycopg_pool import AsyncConnectionPool, PoolClosed, PoolTimeout, TooManyRequests

from forge import db
from forge.errors import DatabaseUnavailable

# A caller would rather hear of trouble than wait for it; health checks time out at about 5 s.
WAIT_SECONDS = 3.0
POOL_SIZE = 10
# Requests that may stand in line for a connection; more are turned away at once.
MAX_WAITING = 500


def _unread(document: str | bytes) -> Raw:
    return Raw(document.encode() if isinstance(document, str) else document)


async def _configure(conn: db.Connection) -> None:
    await db.configure(conn)
    # Documents pass through unread: nothing is decoded to be encoded again, no digit is lost.
    set_json_loads(_unread, conn)


class Database:
    """What the handlers call functions on."""

    def __init__(self, dsn: str) -> None:
        self._pool: db.Pool = AsyncConnectionPool(
            dsn,
            connection_class=AsyncConnection[Any],
            kwargs={"autocommit": True, "application_name": "forge api", **db.CONNECT_OPTIONS},
            configure=_configure,
            check=AsyncConnectionPool.check_connection,
            min_size=1,
            max_size=POOL_SIZE,
            max_waiting=MAX_WAITING,
            timeout=WAIT_SECONDS,
            name="forge-api",
            open=False,
        )

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[None]:
        """Connects in the background; an absent database stops nobody here."""
        await self._pool.open()
        try:
            yield
        finally:
            await self._pool.close()

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[db.Connection]:
        """A connection in autocommit. Raises `DatabaseUnavailable` after a few seconds."""
        try:
            async with self._pool.connection() as conn:
                yield conn
        except (PoolTimeout, PoolClosed, TooManyRequests) as error:
            raise DatabaseUnavailable(
                "the database cannot be reached",
                str(error),
                "check DATABASE_URL and that PostgreSQL is running",
            ) from error
