"""Notifications as hints: something changed, look sooner. Without them, polling goes on."""

from __future__ import annotations

import asyncio

import psycopg
from psycopg import sql

from forge import db
from forge.errors import ForgeError
from forge.sessions import Ear

# What wakes workers, and what is of interest to watchers only. Any role can notify on any channel,
# so nothing that arrives here is believed; it only moves the next look forward.
CHANNELS = ("forge", "forge_events")
RECONNECT_SECONDS = 5.0


async def _listen_once(ear: Ear, hint: asyncio.Event) -> None:
    conn = await db.connect(ear.dsn, application_name="forge api events")
    try:
        if not await ear.can_hear(conn):
            return
        for channel in CHANNELS:
            await conn.execute(sql.SQL("listen {}").format(sql.Identifier(channel)))
        async for _ in conn.notifies():
            hint.set()
    finally:
        await conn.close()


async def listen(ear: Ear, hint: asyncio.Event) -> None:
    """Sets `hint` at every notification, over a connection of its own, until cancelled.

    Ends where a pooler shares the sessions, so that nothing could be heard.
    """
    while True:
        try:
            return await _listen_once(ear, hint)
        except (ForgeError, psycopg.Error):
            await asyncio.sleep(RECONNECT_SECONDS)
