"""The database of `forge up`: DATABASE_URL, else the server that Forge brings along."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import psycopg

from forge.embedded import Embedded, is_available, resolve_dsn
from forge.settings import Settings

_log = logging.getLogger("forge.up")

LOOK_EVERY = 1.0  # seconds between looks at the embedded server


class Server:
    """A database that is there; `embedded` if its server is ours."""

    def __init__(self, dsn: str, embedded: Embedded | None) -> None:
        self.dsn = dsn
        self.embedded = embedded

    async def keep(self) -> None:
        """Starts the embedded server again when it dies; of another's server, nothing to do."""
        while self.embedded is not None:
            await asyncio.sleep(LOOK_EVERY)
            # Once: where the restart fails, as on a full disk, the next one would, too.
            if await asyncio.to_thread(self.embedded.revive):
                _log.error("PostgreSQL had died and runs again")

    def version(self) -> str:
        with psycopg.connect(self.dsn) as connection:
            return (connection.info.parameter_status("server_version") or "").split()[0]


@asynccontextmanager
async def running(settings: Settings) -> AsyncIterator[Server]:
    """The database; an embedded server is stopped at the end. Raises `DatabaseUnavailable`."""
    if settings.database_url or not is_available():
        yield Server(resolve_dsn(settings), None)
        return
    embedded = Embedded(settings.home)
    dsn = await asyncio.to_thread(embedded.start)
    try:
        yield Server(dsn, embedded)
    finally:
        await asyncio.to_thread(embedded.stop)
