"""Whether the one who asked is still there: a job claimed for somebody who left would lie idle."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from litestar.types import Receive

# Rounds of the event loop from an end of file on the socket to the end of `_wait_for_end`: the
# selector, connection_lost, the event that receive() waits for, its task; and one to spare.
STEPS: Final = 5


class Client:
    """The caller of a request whose body has been read."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self.gone = asyncio.ensure_future(self._wait_for_end())

    async def _wait_for_end(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass

    async def is_there(self) -> bool:
        """Reads first what its socket has to say."""
        for _ in range(STEPS):
            await asyncio.sleep(0)
        return not self.gone.done()


@asynccontextmanager
async def watched(receive: Receive) -> AsyncIterator[Client]:
    """Watches the connection of a request."""
    client = Client(receive)
    try:
        yield client
    finally:
        client.gone.cancel()
