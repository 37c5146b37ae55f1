"""Which server was measured: figures without its settings say little."""

from __future__ import annotations

import os
import platform

from msgspec import Struct

from forge.client import Forge

SETTINGS = (
    "fsync",
    "synchronous_commit",
    "full_page_writes",
    "shared_buffers",
    "max_wal_size",
    "autovacuum",
)


class Server(Struct, frozen=True, kw_only=True):
    """The server and its settings, the installed functions, and the machine that measured."""

    version: str
    settings: dict[str, str]
    forge: str
    python: str
    cpus: int | None


async def describe(forge: Forge) -> Server:
    """Ask the server about itself."""
    async with forge.connection() as conn:
        cursor = await conn.execute(
            "select s.name, current_setting(s.name)"
            " from unnest(%s::text[] || 'server_version'::text) as s (name)",
            [list(SETTINGS)],
        )
        settings = dict(await cursor.fetchall())
    return Server(
        version=settings.pop("server_version"),
        settings=settings,
        forge=await forge.version(),
        python=platform.python_version(),
        cpus=os.cpu_count(),
    )
