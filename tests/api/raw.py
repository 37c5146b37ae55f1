"""Requests over a bare connection, whose client leaves when the test says so."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

import msgspec

from tests.api.serving import PATIENCE


class RawClient:
    """One connection, one request; or the same again before the first is answered."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._request = request

    def ask(self) -> None:
        self._writer.write(self._request)

    def leave(self) -> None:
        """Ends the connection; what was on its way by then can still be read."""
        self._writer.write_eof()

    async def answer(self) -> Any:
        """The body of the answer; None where the server hung up without one."""
        async with asyncio.timeout(PATIENCE):
            received = await self._reader.read()
        head, _, body = received.partition(b"\r\n\r\n")
        assert head == b"" or head.startswith(b"HTTP/1.1 200 "), received
        return msgspec.json.decode(body) if body else None


@asynccontextmanager
async def asking(
    url: str, path: str, body: Any, connection: str = "close"
) -> AsyncIterator[RawClient]:
    """A client that has sent a POST."""
    target = urlsplit(url)
    reader, writer = await asyncio.open_connection(target.hostname, target.port)
    text = msgspec.json.encode(body)
    head = (
        f"POST {path} HTTP/1.1\r\nHost: {target.netloc}\r\nConnection: {connection}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(text)}\r\n\r\n"
    )
    client = RawClient(reader, writer, head.encode() + text)
    client.ask()
    try:
        yield client
    finally:
        writer.close()
        await writer.wait_closed()
