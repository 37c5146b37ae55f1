"""Where the API listens, and whether it may: asked for by `forge api` and by `forge up`."""

from __future__ import annotations

import socket
from ipaddress import ip_address

from forge.errors import SettingsError
from forge.settings import Settings


def is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def check_exposure(settings: Settings) -> None:
    """Raises `SettingsError` where anybody on the network could do anything."""
    if not settings.tokens and not is_loopback(settings.host):
        raise SettingsError(
            "the API would be open to everybody",
            f"it binds to {settings.host}, and FORGE_TOKENS is not set",
            "set FORGE_TOKENS=role:token,role:token, or bind to loopback (FORGE_HOST=127.0.0.1)",
        )


def bind(host: str, port: int) -> socket.socket:
    """A listening socket. Raises `OSError` when the address is taken or not ours."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # With the protocol named, asyncio sets TCP_NODELAY; without it every answer would wait 40 ms
    # for the acknowledgement of its headers. socket.create_server does not name it.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(512)
    except OSError:
        listener.close()
        raise
    return listener


def url_of(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
