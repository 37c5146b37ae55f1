"""The server's end, whatever the moment at which a connection comes."""

from __future__ import annotations

import asyncio
import gc
import socket
import warnings
from typing import Any

import pytest
import uvicorn

from forge.api.server import ACCEPT_STEPS, Server
from forge.listening import bind


async def nothing(scope: Any, receive: Any, send: Any) -> None:
    """An application that only starts and ends."""
    for _ in range(2):
        message = await receive()
        await send({"type": f"{message['type']}.complete"})


async def stop_with_connections(rounds: int) -> None:
    """Stops so many rounds of the event loop after two connections were made."""
    config = uvicorn.Config(nothing, log_config=None, lifespan="on", timeout_graceful_shutdown=1)
    config.load()
    server = Server(config, lambda: None, lambda: None)
    server.lifespan = config.lifespan_class(config)
    with bind("127.0.0.1", 0) as listener:
        await server.startup([listener])
        clients = [socket.create_connection(listener.getsockname()) for _ in range(2)]
        for _ in range(rounds):
            await asyncio.sleep(0)
        await server.shutdown([listener])
    for client in clients:
        client.close()
    assert not server.server_state.connections, "connections were left open"


@pytest.mark.parametrize("rounds", range(ACCEPT_STEPS + 3))
def test_no_connection_is_left_open(rounds: int) -> None:
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        asyncio.run(stop_with_connections(rounds))
        gc.collect()
    assert not [str(warning.message) for warning in seen]
