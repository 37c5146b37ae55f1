"""A worker from its first connection to its last: starts the parts, waits, stops them in order."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any, Final

from forge.db import call_value
from forge.errors import ForgeError, InvalidArgument
from forge.worker.context import LEASE_LOST, JobContext
from forge.worker.crew import Crew
from forge.worker.ending import UNWIND, settle
from forge.worker.heart import Heart
from forge.worker.lane import Lane
from forge.worker.listener import Listener, registration
from forge.worker.log import say
from forge.worker.options import Options
from forge.worker.registry import Registry

LAST_CALLS: Final = 3.0  # seconds for the last acknowledgements


class Worker:
    """Claims and runs jobs until it is told to stop."""

    def __init__(self, dsn: str, registry: Registry, options: Options) -> None:
        if not registry and not options.sql:
            raise InvalidArgument("a worker needs handlers", None, "decorate one: @forge.handler")
        self._crew = Crew(dsn, options, registry)
        self._crew.reports.on_news = self._on_beat
        self.heart = Heart(self._crew, self._on_beat)
        self._lanes: dict[str, Lane] = {}
        self._listener = (
            Listener(self._crew, self._lanes, self.heart.beat_now) if options.listen else None
        )
        for queue, size in options.queues.items():
            self._lanes[queue] = Lane(queue, size, self._crew, self._listener)
        self._tasks: list[asyncio.Task[Any]] = []

    async def run(self, stop: asyncio.Event, hurry: asyncio.Event | None = None) -> None:
        """Runs until `stop`; then running jobs get the grace period, which `hurry` cuts short.

        Raises `WorkerWornOut` when it ended as too many handlers do not stop.
        """
        options, hurry = self._crew.options, hurry or asyncio.Event()
        say(logging.INFO, "worker.starts", worker=options.name, queues=dict(options.queues))
        self.heart.start()
        try:
            self._start(self._crew.outbox.run())
            self._start(self._crew.reports.run())
            if not await self._until(stop, self._learn()):
                return
            if self._listener is not None:
                self._start(self._listener.run())
            if await self._until(stop, self._register()):
                for lane in self._lanes.values():
                    self._start(lane.slots.run())
                    self._start(lane.run())
                await self._until(stop, self._drained() if options.drain else hurry.wait())
        finally:
            await self._close(hurry)
            await self.heart.stop()
            say(logging.INFO, "worker.ended", worker=options.name)
        self._crew.abandoned.check()

    def _start(self, work: Coroutine[Any, Any, Any]) -> None:
        self._tasks.append(asyncio.create_task(work))

    async def _until(self, stop: asyncio.Event, work: Coroutine[Any, Any, Any]) -> bool:
        """Waits for the work: False if `stop` came first. Raises what broke part of the worker."""
        stopping, working = asyncio.create_task(stop.wait()), asyncio.create_task(work)
        mine = {stopping, working, asyncio.create_task(self._crew.abandoned.too_many.wait())}
        await asyncio.wait({*mine, *self._tasks}, return_when=asyncio.FIRST_COMPLETED)
        for task in mine:
            task.cancel()
        await asyncio.wait(mine)
        for task in [*self._tasks, working]:
            if task.done() and not task.cancelled():
                task.result()
        return not working.cancelled()

    async def _learn(self) -> None:
        """Which types SQL functions run; from then on it is looked at now and then."""
        if self._crew.options.sql is not False:
            await self._crew.sql.look(self._crew.outbox_link)
            self._start(self._crew.sql.watch(self._crew.outbox_link, self._on_new_types))

    async def _register(self) -> None:
        if self._listener is not None:
            await self._listener.registered.wait()
            return
        await self._enlist()

    async def _enlist(self) -> None:
        arguments = registration(self._crew, liveness=False)
        await self._crew.outbox_link.insist(
            lambda conn: call_value(conn, "register_worker", **arguments)
        )

    async def _drained(self) -> None:
        while not all(lane.drained.is_set() for lane in self._lanes.values()):
            for lane in self._lanes.values():
                await lane.drained.wait()

    def _on_new_types(self) -> None:
        if self._listener is not None:
            self._listener.look_again()
        else:
            self._start(self._enlist())
        for lane in self._lanes.values():
            lane.nudge()

    def _on_beat(self, context: JobContext, reason: str) -> None:
        if not context.finished and not context.knows(reason):
            say(logging.WARNING, "job.told_to_stop", id=context.job.id, why=reason)
            context.stop(reason)
            if reason == LEASE_LOST:
                self._crew.held.drop(context)

    async def _close(self, hurry: asyncio.Event) -> None:
        self._crew.abandoned.ending = True
        await settle(self._crew, self._lanes.values(), hurry)
        try:
            async with asyncio.timeout(LAST_CALLS):
                await self._say_goodbye()
        except (TimeoutError, ForgeError) as error:
            say(logging.ERROR, "worker.unsent", jobs=len(self._crew.held), error=repr(error))
        for task in self._tasks:
            task.cancel()
        await asyncio.wait(self._tasks, timeout=UNWIND)
        await self._crew.processes.close()
        for lane in self._lanes.values():
            await lane.close()
        await self._crew.outbox_link.close()
        await self._crew.reports_link.close()
        await self._crew.sql.close()

    async def _say_goodbye(self) -> None:
        """The last acknowledgements, while the heart still beats; then off the list of workers."""
        await self._crew.held.emptied.wait()
        if self._listener is not None:
            await self._listener.leave()
            return
        name = self._crew.options.name
        await self._crew.outbox_link.insist(
            lambda conn: call_value(conn, "unregister_worker", worker=name)
        )
