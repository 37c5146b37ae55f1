"""Which pages may talk to the API: Host against DNS rebinding, Origin against foreign writes.

A page on the internet can send requests to a server on the reader's loopback. It cannot read the
answers (CORS), but a write would have happened by then; and by pointing its own name at 127.0.0.1
it becomes "same origin". Hence both checks, made before anything else of a request is looked at.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import psycopg
from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler
from litestar.types import Message, Scope

from forge.api.keeper import Keeper
from forge.api.problems import Forbidden, WrongHost
from forge.errors import ForgeError
from forge.settings import Settings

_LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "[::1]"})
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})

CORS_HEADERS = {
    "Access-Control-Allow-Methods": "GET, POST, PUT, PATCH, DELETE",
    "Access-Control-Allow-Headers": (
        "Authorization, Content-Type, Idempotency-Key, If-None-Match, X-Request-Id"
    ),
    "Access-Control-Expose-Headers": (
        "ETag, Location, Retry-After, X-Request-Id, "
        "RateLimit-Limit, RateLimit-Remaining, RateLimit-Reset, RateLimit-Policy"
    ),
    "Access-Control-Max-Age": "600",
}


def _name(host: str) -> str:
    """A Host without its port: `[::1]:8080` is `[::1]`."""
    name, colon, port = host.rpartition(":")
    return (name if colon and port.isdigit() else host).lower()


def _netloc(origin: str) -> str | None:
    """The host and port of an Origin; None where it is none: anybody can write anything there."""
    try:
        return urlsplit(origin).netloc.lower()
    except ValueError:
        return None


def make_guard(settings: Settings, keeper: Keeper) -> Any:
    """The guard that checks Host and Origin."""
    origins = frozenset(settings.cors_origins)
    bound = f"[{settings.host}]" if ":" in settings.host else settings.host
    hosts = _LOOPBACK_NAMES | {bound.lower()}

    async def asks_for_tokens() -> bool:
        try:
            return await keeper.needs_token()
        except (ForgeError, psycopg.Error):
            return False  # who cannot be sure stays closed

    async def check(connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
        host = connection.headers.get("host", "")
        # A rebound page has no token, so where tokens are asked for, any name will do.
        if _name(host) not in hosts and not await asks_for_tokens():
            raise WrongHost(
                "this server is not the host that was asked for",
                f"host={host}",
                "use localhost, or create a token to serve under another name",
            )
        origin = connection.headers.get("origin")
        if origin is None or connection.scope.get("method") in _SAFE_METHODS:
            return
        if origin not in origins and _netloc(origin) != host.lower():
            raise Forbidden(
                "pages of this origin may not write",
                f"origin={origin}",
                "add it to FORGE_CORS_ORIGINS if it is yours",
            )

    return check


def make_cors(settings: Settings) -> Any:
    """The hook that tells browsers which other origins may read the answers."""
    origins = frozenset(origin.encode() for origin in settings.cors_origins)
    headers = [(name.lower().encode(), text.encode()) for name, text in CORS_HEADERS.items()]

    async def add_headers(message: Message, scope: Scope) -> None:
        if message["type"] != "http.response.start" or not origins:
            return
        sent = list(message["headers"])
        sent.append((b"vary", b"Origin"))
        origin = next((value for name, value in scope["headers"] if name == b"origin"), b"")
        if origin in origins:
            sent += [(b"access-control-allow-origin", origin), *headers]
        message["headers"] = sent

    return add_headers
