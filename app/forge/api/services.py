"""What one server works with: its database, who is let in, and who waits for what."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from forge.api import origin
from forge.api.counting import Counting
from forge.api.database import Database
from forge.api.doorman import Doorman
from forge.api.guard import Guard
from forge.api.handover import Handover
from forge.api.hub import Hub
from forge.api.keeper import Keeper
from forge.api.sampler import sample
from forge.api.waiting import WaitingRoom
from forge.sessions import Ear
from forge.settings import Settings


class Services:
    """Everything of an application that depends on its settings and its database."""

    def __init__(self, settings: Settings, dsn: str) -> None:
        ear = Ear(dsn, settings.listen_url)
        self.database = Database(dsn)
        self.keeper = Keeper(settings, self.database)
        self.hub = Hub(partial(sample, self.database, ear, self.keeper.learn))
        self.doorman = Doorman(self.keeper, self.hub.wake)
        self.handover = Handover(self.database)
        self.waiting_room = WaitingRoom(ear)
        self.counting = Counting()
        self.check_origin = origin.make_guard(settings, self.keeper)
        self.check_access = Guard(settings, self.keeper)
        self.add_cors = origin.make_cors(settings)

    @asynccontextmanager
    async def working(self) -> AsyncIterator[None]:
        async with self.database.opened(), self.doorman.working():
            try:
                yield
            finally:
                await self.hub.closed()
                await self.waiting_room.closed()
                await self.handover.settled()

    def end_waits(self) -> None:
        """Let go everybody who waits, as the server stops."""
        self.hub.close()
        self.waiting_room.close()
