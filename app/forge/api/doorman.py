"""Looks now and then whether those who watch for a long time may still do so."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

import psycopg

from forge.api.access import Access
from forge.api.keeper import Keeper
from forge.errors import ForgeError

logger = logging.getLogger("forge.api")

LOOK_SECONDS = 2.0


class Stay:
    """The stay of one watcher."""

    def __init__(self, access: Access) -> None:
        self.access = access
        self.welcome = True


class Doorman:
    """One round for all watchers together; `left` is called when somebody's stay has ended."""

    def __init__(self, keeper: Keeper, left: Callable[[], None]) -> None:
        self._keeper = keeper
        self._left = left
        self._stays: set[Stay] = set()

    @asynccontextmanager
    async def working(self) -> AsyncIterator[None]:
        """Makes its rounds meanwhile."""
        rounds = asyncio.create_task(self._walk())
        try:
            yield
        finally:
            rounds.cancel()
            with suppress(asyncio.CancelledError):
                await rounds

    def enter(self, access: Access) -> Stay:
        stay = Stay(access)
        self._stays.add(stay)
        return stay

    def leave(self, stay: Stay) -> None:
        self._stays.discard(stay)

    async def _walk(self) -> None:
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            try:
                await self.look()
            except Exception:  # a round that was not finished must not be the last
                logger.exception("the streams' tokens could not be looked at")

    async def look(self) -> None:
        """Ends the stays of those who would not be let in now. Each of them is asked about once."""
        await asyncio.gather(*map(self._look_at, {stay.access for stay in self._stays}))

    async def _look_at(self, access: Access) -> None:
        try:
            welcome = await self._keeper.still_welcome(access)
        except (ForgeError, psycopg.Error):
            return  # a database that is down has nothing to show; the next round asks again
        if not welcome:
            for stay in self._stays:
                if stay.access == access:
                    stay.welcome = False
            self._left()
