"""The API's ear: one connection that hangs the doorbells of the queues that clients wait at.

A notification is a hint, as for workers in `forge.worker.listener`: whoever waits polls all the
same. The connection is there while somebody waits, and a little longer.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Collection
from contextlib import suppress
from typing import Final

import psycopg
from psycopg import sql

from forge import db
from forge.errors import ForgeError
from forge.sessions import WANTED, Ear

logger = logging.getLogger("forge.api")

ARRIVALS: Final = "forge"  # both carry a queue's name
DUE: Final = "forge_due"
BUSY: Final = 100  # notifications of one queue within a second, from which on polling is cheaper
SPAN: Final = 1.0
LINGER_SECONDS: Final = 10.0
RECONNECT_SECONDS: Final = 5.0


class Bell:
    """Calls `wake` with a queue where a job may be, and `told` with how the hanging of a bell went.

    `wanted`: the queues that somebody waits at, as they are at any moment.
    """

    def __init__(
        self,
        ear: Ear,
        *,
        wanted: Collection[str],
        wake: Callable[[str], None],
        told: Callable[[str, bool], None],
    ) -> None:
        self._ear = ear
        self._deaf = False
        self._wanted, self._wake, self._tell = wanted, wake, told
        self._stir = asyncio.Event()
        self._asked: set[str] = set()
        self._hung: set[str] = set()
        self._heard: Counter[str] = Counter()
        self._busy_until: dict[str, float] = {}
        self._forget_at = self._sweep_at = 0.0
        self._task: asyncio.Task[None] | None = None

    def is_hung(self, queue: str) -> bool:
        """Whether an enqueue into the queue rings, as far as is known."""
        return queue in self._hung

    def is_busy(self, queue: str) -> bool:
        """Whether so many notifications came that polling in short steps is cheaper."""
        return asyncio.get_running_loop().time() < self._busy_until.get(queue, 0.0)

    def hang(self, queue: str) -> None:
        """Hangs the bell of a queue that was found empty; `told` hears how it went."""
        if self._deaf:
            return
        self._asked.add(queue)
        self._stir.set()
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._live())

    async def closed(self) -> None:
        """Takes all bells down."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def _live(self) -> None:
        while self._wanted and not self._deaf:
            try:
                await self._listen()
            except (ForgeError, psycopg.Error) as error:
                logger.info("no listener, so clients that wait only poll: %s", error)
                await asyncio.sleep(RECONNECT_SECONDS)

    async def _listen(self) -> None:
        conn = await db.connect(self._ear.dsn, application_name="forge api listener")
        try:
            if not await self._ear.can_hear(conn):
                self._deaf = True
                logger.warning("a pooler shares sessions: clients that wait only poll; %s", WANTED)
                return
            conn.add_notify_handler(lambda note: self._hear(note.channel, note.payload))
            for channel in (ARRIVALS, DUE):
                await conn.execute(sql.SQL("listen {}").format(sql.Identifier(channel)))
            self._asked.update(self._wanted)
            await self._watch(conn)
        finally:
            self._hung.clear()
            await conn.close()

    async def _watch(self, conn: db.Connection) -> None:
        while True:
            conn.pgconn.consume_input()
            while note := conn.pgconn.notifies():
                self._hear(note.relname.decode(), note.extra.decode(errors="replace"))
            await self._take_down(conn)
            await self._put_up(conn)
            if not self._wanted and not self._hung:
                return
            await self._stirred(conn)

    async def _stirred(self, conn: db.Connection) -> None:
        """Until something is asked or heard, or it is time to look whether anybody still waits."""
        loop = asyncio.get_running_loop()
        loop.add_reader(conn.fileno(), self._stir.set)
        timer = loop.call_later(LINGER_SECONDS, self._stir.set)
        try:
            await self._stir.wait()
        finally:
            timer.cancel()
            loop.remove_reader(conn.fileno())  # psycopg puts its own there during a call
        self._stir.clear()

    def _hear(self, channel: str, queue: str) -> None:
        # Any role may send anything on any channel: a name that nobody waits for does nothing.
        if queue not in self._wanted:
            return
        if channel == ARRIVALS:
            self._heard[queue] += 1
        else:  # nobody rang, so the bell may be gone with another session that held it
            self._hung.discard(queue)
        self._wake(queue)

    async def _take_down(self, conn: db.Connection) -> None:
        now = asyncio.get_running_loop().time()
        loud = {queue for queue, count in self._heard.items() if count > BUSY}
        self._busy_until |= dict.fromkeys(loud, now + SPAN)
        if loud or now >= self._forget_at:
            self._heard.clear()
            self._forget_at = now + SPAN
        down = loud
        if now >= self._sweep_at:
            down |= self._hung - set(self._wanted)
            self._busy_until = {q: until for q, until in self._busy_until.items() if until > now}
            self._sweep_at = now + LINGER_SECONDS
        self._hung -= down
        if down:
            await db.call_value(conn, "unpark", queues=sorted(down))

    async def _put_up(self, conn: db.Connection) -> None:
        asked, self._asked = self._asked & set(self._wanted), set()
        if not asked:
            return
        due = set(await db.call_values(conn, "park", queues=sorted(asked)))
        self._hung |= asked - due
        for queue in asked:
            self._tell(queue, queue not in due)
