"""Where the API listens, and whether it may: asked for by `forge api` and by `forge up`."""

from __future__ import annotations

import socket
from ipaddress import ip_address

import psycopg

from forge import db
from forge.errors import ForgeError, SettingsError
from forge.settings import Settings


def is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def is_exposed(settings: Settings) -> bool:
    """Whether others than this machine's can reach it, and FORGE_TOKENS keeps none of them out."""
    return not settings.tokens and not is_loopback(settings.host)


def open_to_everybody(settings: Settings, why: str) -> SettingsError:
    return SettingsError(
        "the API would be open to everybody",
        f"it binds to {settings.host}, FORGE_TOKENS is not set, and {why}",
        "run `forge token create operator NAME`, or set FORGE_TOKENS=role:token,role:token, "
        "or bind to loopback (FORGE_HOST=127.0.0.1)",
    )


async def check_exposure(settings: Settings, dsn: str) -> None:
    """Raises `SettingsError` where anybody on the network could ask, and nobody could be let in."""
    if not is_exposed(settings):
        return
    try:
        conn = await db.connect(dsn)
        try:
            known = await db.call_value(conn, "needs_token")
        finally:
            await conn.close()
    except (ForgeError, psycopg.Error) as error:
        raise open_to_everybody(
            settings, "the database cannot say whether it has tokens"
        ) from error
    if not known:
        raise open_to_everybody(settings, "the database has no tokens")


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
