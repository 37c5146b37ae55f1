"""Whether the API answers: one request, by hand, as a client library costs a second to import."""

from __future__ import annotations

import asyncio
import socket
import time


async def answers(listener: socket.socket, within: float = 60.0) -> bool:
    """Waits until /health/ready says so; False when the time is over."""
    host, port = listener.getsockname()[:2]
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104  # not bound here
    deadline = time.monotonic() + within
    while time.monotonic() < deadline:
        try:
            async with asyncio.timeout(deadline - time.monotonic()):
                if await _status(host, port) == 200:
                    return True
        except (OSError, TimeoutError):
            pass
        await asyncio.sleep(0.1)
    return False


async def _status(host: str, port: int) -> int:
    # The socket listens before its server runs, so this waits for the server's first answer.
    reader, writer = await asyncio.open_connection(host, port)
    try:
        writer.write(b"GET /health/ready HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        line = await reader.readline()
    finally:
        writer.close()
    words = line.split()
    return int(words[1]) if len(words) > 1 else 0
