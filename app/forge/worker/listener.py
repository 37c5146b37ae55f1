"""The worker's ear: a connection that holds its liveness lock, hangs doorbells and hears NOTIFY.

A notification is a hint; the lanes poll whether one comes or not. `forge.tick`, which every worker
calls, tells once a second of all queues with due jobs. Behind a pooler that shares sessions there
is nothing to hold and to hear: then the connection only keeps the worker registered.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from collections import Counter
from collections.abc import Callable, Mapping
from importlib.metadata import version
from typing import Any, Final, Protocol

import psycopg
from psycopg import sql

from forge.db import Connection, call_value, call_values
from forge.sessions import WANTED
from forge.worker.crew import Crew
from forge.worker.link import PASSING
from forge.worker.log import say

ARRIVALS: Final = "forge"  # all of them carry a queue's name
DUE: Final = "forge_due"
CANCELS: Final = "forge_cancel"

BUSY: Final = 100  # notifications of one queue within a second, from which on polling is cheaper
SPAN: Final = 1.0


class Lane(Protocol):
    def nudge(self) -> None: ...


def registration(crew: Crew, *, liveness: bool) -> dict[str, Any]:
    """The arguments of `forge.register_worker`."""
    return {
        "worker": crew.options.name,
        "queues": list(crew.options.queues),
        "types": crew.types(),
        "concurrency": crew.options.concurrency,
        "liveness": liveness,
        "host": socket.gethostname(),
        "pid": os.getpid(),
        "version": version("forge"),
    }


class Listener:
    """Implements `lane.Bell`."""

    def __init__(self, crew: Crew, lanes: Mapping[str, Lane], beat: Callable[[], None]) -> None:
        self._crew = crew
        self._lanes = lanes
        self._beat = beat
        self._link = crew.link("listener", crew.ear.dsn)
        self._stir = asyncio.Event()
        self._asked: dict[str, asyncio.Future[bool]] = {}
        self._hung: set[str] = set()
        self._heard: Counter[str] = Counter()
        self._busy_until: dict[str, float] = {}
        self._forget_at = 0.0
        self._running: asyncio.Task[None] | None = None
        self._connected = False
        self._types: list[str] = []
        self.registered = asyncio.Event()

    def is_hung(self, queue: str) -> bool:
        """Whether an enqueue into the queue rings, as far as is known."""
        return queue in self._hung

    def is_busy(self, queue: str) -> bool:
        """Whether so many notifications came that polling in short steps is cheaper."""
        return asyncio.get_running_loop().time() < self._busy_until.get(queue, 0.0)

    async def park(self, queue: str) -> bool:
        """Hangs the bell of a queue that ran dry. True if it pays to look again at once."""
        if not self._connected:
            return False
        asked = self._asked.setdefault(queue, asyncio.get_running_loop().create_future())
        self._stir.set()
        return await asyncio.shield(asked)

    async def run(self) -> None:
        self._running = asyncio.current_task()
        while True:
            try:
                async with self._link.hold() as conn:
                    await self._open(conn)
                    await self._watch(conn)
            except Exception as error:
                first = not self.registered.is_set()
                if first and not isinstance(error, PASSING):
                    raise  # a wrong setting, which no patience repairs
                self._drop_bells()
                await self._link.rest(error)

    async def _open(self, conn: Connection) -> None:
        """LISTEN and register come first, and only then a look at the queues: nothing is missed."""
        self._crew.hears = await self._crew.ear.can_hear(conn)
        if self._crew.hears:
            conn.add_notify_handler(self._on_notify)
            for channel in (ARRIVALS, DUE, CANCELS):
                await conn.execute(sql.SQL("listen {}").format(sql.Identifier(channel)))
        else:
            say(logging.WARNING, "worker.only_polls", why="a pooler shares sessions", hint=WANTED)
        await self._register(conn)
        self._link.works()
        self._connected = self._crew.hears
        self.registered.set()
        self._beat()  # a cancellation may have been told while nobody listened
        for lane in self._lanes.values():
            lane.nudge()

    async def _register(self, conn: Connection) -> None:
        self._types = self._crew.types()
        arguments = registration(self._crew, liveness=self._crew.hears)
        await call_value(conn, "register_worker", **arguments)

    def look_again(self) -> None:
        """The types that this worker runs have changed."""
        self._stir.set()

    async def _watch(self, conn: Connection) -> None:
        loop = asyncio.get_running_loop()
        while True:
            loop.add_reader(conn.fileno(), self._stir.set)
            try:
                await self._stir.wait()
            finally:
                loop.remove_reader(conn.fileno())  # psycopg puts its own there during a call
            self._stir.clear()
            conn.pgconn.consume_input()
            while note := conn.pgconn.notifies():
                self._hear(note.relname.decode(), note.extra.decode(errors="replace"))
            if self._types != self._crew.types():
                await self._register(conn)
            await self._unpark(conn)
            await self._park(conn)

    def _on_notify(self, note: psycopg.Notify) -> None:
        self._hear(note.channel, note.payload)

    def _hear(self, channel: str, payload: str) -> None:
        # Any role may send anything on any channel: a name that is not known does nothing.
        if payload not in self._lanes:
            return
        if channel == CANCELS:
            self._beat()
        elif channel == ARRIVALS:
            self._heard[payload] += 1
            self._lanes[payload].nudge()
        elif channel == DUE:
            # Nobody rang, so the bell may be gone with another worker that held it.
            self._hung.discard(payload)
            self._lanes[payload].nudge()

    async def _unpark(self, conn: Connection) -> None:
        now = asyncio.get_running_loop().time()
        loud = [queue for queue, count in self._heard.items() if count > BUSY]
        if now >= self._forget_at:
            self._heard.clear()
            self._forget_at = now + SPAN
        if loud:
            for queue in loud:
                del self._heard[queue]
                self._busy_until[queue] = now + SPAN
                self._hung.discard(queue)
            await call_value(conn, "unpark", queues=loud)

    async def _park(self, conn: Connection) -> None:
        asked, self._asked = self._asked, {}
        try:
            due = set(await call_values(conn, "park", queues=sorted(asked)) if asked else ())
        except BaseException:
            _answer(asked, set())
            raise
        self._hung |= asked.keys() - due
        _answer(asked, due)

    def _drop_bells(self) -> None:
        self._connected = False
        self._hung.clear()
        asked, self._asked = self._asked, {}
        _answer(asked, set())

    async def leave(self) -> None:
        """Takes the worker off the list, on the connection that holds its lock."""
        if self._running is not None:
            self._running.cancel()  # it holds the connection
        await self._link.insist(
            lambda conn: call_value(conn, "unregister_worker", worker=self._crew.options.name)
        )
        await self._link.close()


def _answer(asked: dict[str, asyncio.Future[bool]], due: set[str]) -> None:
    for queue, future in asked.items():
        if not future.done():
            future.set_result(queue in due)
