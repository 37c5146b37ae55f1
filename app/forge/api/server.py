"""Serving: uvicorn on a socket of ours, and a shutdown that first ends what would wait on."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

import uvicorn

from forge.api.app import create_app, services_of
from forge.api.client import with_transport
from forge.api.protocol import PatientProtocol
from forge.listening import bind, check_exposure, url_of
from forge.settings import Settings

# Requests under way at the shutdown get this long.
GRACE_SECONDS = 5
# Rounds of the event loop from the acceptance of a connection to its protocol: asyncio's
# _accept_connection, _accept_connection2, connection_made.
ACCEPT_STEPS = 3


class Server(uvicorn.Server):
    """uvicorn, without its own signal handlers: whoever runs it says when to stop."""

    def __init__(
        self, config: uvicorn.Config, ready: Callable[[], None], end_waits: Callable[[], None]
    ) -> None:
        super().__init__(config)
        self._ready = ready
        self._end_waits = end_waits

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._end_waits()  # event streams would never end by themselves
        await self._stop_accepting()
        await super().shutdown(sockets)

    async def _stop_accepting(self) -> None:
        """Lets what was accepted a moment ago become connections, which uvicorn then ends.

        It would know nothing of them otherwise, wait for the grace period, and leave them open.
        """
        loop = asyncio.get_running_loop()
        for server in self.servers:
            for listener in server.sockets:
                loop.remove_reader(listener.fileno())
        for _ in range(ACCEPT_STEPS):
            await asyncio.sleep(0)


async def serve(
    settings: Settings,
    dsn: str,
    *,
    host: str | None = None,
    port: int | None = None,
    listener: socket.socket | None = None,
    stop: asyncio.Event | None = None,
    ready: Callable[[str], None] | None = None,
) -> None:
    """Serves the API until `stop` is set; `ready` is told the address once it answers.

    `listener` is a socket that listens already, instead of `host` and `port`.
    Raises `SettingsError` when it would be open to all, `OSError` when it cannot bind.
    """
    settings = replace(
        settings,
        host=settings.host if host is None else host,
        port=settings.port if port is None else port,
    )
    await check_exposure(settings, dsn)
    app = create_app(settings, dsn)
    with listener or bind(settings.host, settings.port) as listener:
        config = uvicorn.Config(
            with_transport(app),
            log_config=None,
            http=PatientProtocol,
            access_log=False,  # `access_log` writes one
            server_header=False,
            proxy_headers=bool(settings.trusted_proxies),
            forwarded_allow_ips=list(settings.trusted_proxies),
            ws="none",
            lifespan="on",
            timeout_graceful_shutdown=GRACE_SECONDS,
        )
        url = url_of(listener)
        server = Server(config, lambda: ready(url) if ready else None, services_of(app).end_waits)
        stopping = asyncio.create_task(_stop_when(server, stop))
        try:
            await server.serve([listener])
        finally:
            stopping.cancel()


async def _stop_when(server: Server, stop: asyncio.Event | None) -> None:
    if stop is not None:
        await stop.wait()
        server.should_exit = True
