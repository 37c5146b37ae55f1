"""A proxy on loopback before the server, which cuts, delays, half-opens, and swallows answers.

It runs in a thread of its own and is told from outside. What passes is PostgreSQL's protocol
without encryption, of which it knows two things: a client's text that ends a transaction, and the
message with which the server says that it is ready for the next query.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import threading
from pathlib import Path
from types import TracebackType

READY = b"Z\x00\x00\x00\x05"  # ReadyForQuery, and then one byte
# What a client sends to have something committed: COMMIT, or a call outside of a transaction.
COMMITS = re.compile(rb"(?i)\bcommit\b|forge\.(?:enqueue|complete|exchange|fail)")
IDLE = b"I"


class Pipe:
    """One client's connection."""

    def __init__(
        self,
        proxy: Proxy,
        client: tuple[asyncio.StreamReader, asyncio.StreamWriter],
        server: tuple[asyncio.StreamReader, asyncio.StreamWriter],
    ) -> None:
        self.proxy = proxy
        self._client, self._to_client = client
        self._server, self._to_server = server
        self.silent = False  # half-open: open, and nothing passes any more
        self.swallowing = False

    async def run(self) -> None:
        ways = [asyncio.create_task(way) for way in (self._up(), self._down())]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            self.cut()

    def cut(self) -> None:
        """Without a goodbye."""
        for writer in (self._to_client, self._to_server):
            with contextlib.suppress(OSError, RuntimeError):
                writer.transport.abort()

    async def _up(self) -> None:
        while data := await self._client.read(65536):
            await self._wait()
            if self.proxy.to_swallow > 0 and COMMITS.search(data):
                self.proxy.to_swallow -= 1
                self.swallowing = True
            self._to_server.write(data)
            await self._to_server.drain()

    async def _down(self) -> None:
        kept = b""
        while data := await self._server.read(65536):
            await self._wait()
            if self.swallowing:
                kept += data
                if kept[-6:-1] != READY:
                    continue
                if kept[-1:] == IDLE:
                    self.proxy.swallowed += 1
                    return
                # One call of a transaction, which is not committed yet: let that go on.
                self.swallowing = False
                self.proxy.to_swallow += 1
                data, kept = kept, b""
            self._to_client.write(data)
            await self._to_client.drain()

    async def _wait(self) -> None:
        await asyncio.sleep(self.proxy.delay)
        while self.silent:  # noqa: ASYNC110 - told by another thread
            await asyncio.sleep(0.05)


class Proxy:
    """Listens on a port of its own and passes everything on to the server's socket."""

    def __init__(self, socket: Path) -> None:
        self._socket = socket
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, name="proxy", daemon=True)
        self._pipes: set[Pipe] = set()
        self._stop: asyncio.Event | None = None
        self.port = 0
        self.delay = 0.0
        self.to_swallow = 0
        self.swallowed = 0

    def __enter__(self) -> Proxy:
        self._thread.start()
        assert self._ready.wait(10)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._stop is not None
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)

    def cut(self) -> int:
        """Cuts all connections; how many."""
        pipes = list(self._pipes)
        for pipe in pipes:
            self._loop.call_soon_threadsafe(pipe.cut)
        return len(pipes)

    def half_open(self) -> int:
        """Lets nothing pass any more on the connections that there are, and leaves them open."""
        pipes = list(self._pipes)
        for pipe in pipes:
            pipe.silent = True
        return len(pipes)

    def swallow(self, answers: int = 1) -> None:
        """The next answers to what commits never arrive; the connection is cut instead."""
        self.to_swallow = answers

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._serve())
        self._loop.close()

    async def _serve(self) -> None:
        self._stop = asyncio.Event()
        server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        await self._stop.wait()
        server.close()
        for pipe in list(self._pipes):
            pipe.cut()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            server = await asyncio.open_unix_connection(str(self._socket))
        except OSError:
            writer.transport.abort()
            return
        pipe = Pipe(self, (reader, writer), server)
        self._pipes.add(pipe)
        try:
            # Cancelled: the proxy ends, and nobody waits for this task but the event loop.
            with contextlib.suppress(OSError, asyncio.CancelledError):
                await pipe.run()
        finally:
            self._pipes.discard(pipe)
