"""Whether the one who asked is still there: a job claimed for somebody who left would lie idle."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from contextlib import asynccontextmanager
from typing import Any, Final

from litestar import Request

TRANSPORT: Final = "forge.transport"
# Rounds of the event loop until an end of file on the socket is known: the task that reads on, the
# selector; without the transport also connection_lost, receive(), its task; and one to spare.
STEPS: Final = 6

App = Callable[[Any, Any, Any], Awaitable[None]]


def with_transport(app: App) -> App:
    """Passes the connection on to the application, which ASGI has no word for.

    uvicorn's receive() is a method of what answers the request, and that knows it.
    """

    async def wrapped(scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:
        scope[TRANSPORT] = getattr(getattr(receive, "__self__", None), "transport", None)
        await app(scope, receive, send)

    return wrapped


class Client:
    """The caller of a request whose body has been read."""

    def __init__(self, request: Request[Any, Any, Any]) -> None:
        self._receive = request.receive
        self._transport: asyncio.Transport | None = request.scope.get(TRANSPORT)  # type: ignore[assignment]
        self.gone = asyncio.ensure_future(self._wait_for_end())

    async def _wait_for_end(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass

    def can_take(self) -> bool:
        """Whether what is written now, and not a moment later, goes out to it.

        A client that has not read its last answer will not read another one either.
        """
        if self._transport is None:
            return not self.gone.done()
        return not self._transport.is_closing() and not self._transport.get_write_buffer_size()

    async def is_there(self) -> bool:
        """As `can_take`, after the event loop has read what the socket has to say."""
        if self._transport is not None and not self._transport.is_reading():
            # A second request came before this one was answered, and uvicorn reads on only for
            # who asks: the end of the connection would stand behind it unseen.
            self.gone.cancel()
            self.gone = asyncio.ensure_future(self._wait_for_end())
        for _ in range(STEPS):
            await asyncio.sleep(0)
        return self.can_take()


@asynccontextmanager
async def watched(request: Request[Any, Any, Any]) -> AsyncIterator[Client]:
    """Watches the connection of a request."""
    client = Client(request)
    try:
        yield client
    finally:
        client.gone.cancel()
