"""Notifications as hints: something changed, look sooner. Without them, polling goes on."""

from __future__ import annotations

import asyncio

import psycopg
from psycopg import sql

from forge import db
from forge.errors import ForgeError

# What wakes workers, and what is of interest to watchers only. Any role can notify on any channel,
# so nothing that arrives here is believed; it only moves the next look forward.
CHANNELS = ("forge", "forge_events")
RECONNECT_SECONDS = 5.0


async def _listen_once(dsn: str, hint: asyncio.Event) -> None:
    conn = await db.connect(dsn, application_name="forge api events")
    try:
        for channel in CHANNELS:
            await conn.execute(sql.SQL("listen {}").format(sql.Identifier(channel)))
        async for _ in conn.notifies():
            hint.set()
    finally:
        await conn.close()


async def listen(dsn: str, hint: asyncio.Event) -> None:
    """Sets `hint` at every notification, over a connection of its own, until cancelled."""
    while True:
        try:
            await _listen_once(dsn, hint)
        except (ForgeError, psycopg.Error):
            await asyncio.sleep(RECONNECT_SECONDS)
