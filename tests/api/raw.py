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
    """One connection, one request."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

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
async def asking(url: str, path: str, body: Any, times: int = 1) -> AsyncIterator[RawClient]:
    """A client that has sent a POST, or several without waiting for the answer to the first."""
    target = urlsplit(url)
    reader, writer = await asyncio.open_connection(target.hostname, target.port)
    text = msgspec.json.encode(body)
    head = (
        f"POST {path} HTTP/1.1\r\nHost: {target.netloc}\r\n"
        f"Connection: {'close' if times == 1 else 'keep-alive'}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(text)}\r\n\r\n"
    )
    writer.write((head.encode() + text) * times)
    try:
        yield RawClient(reader, writer)
    finally:
        writer.close()
        await writer.wait_closed()
