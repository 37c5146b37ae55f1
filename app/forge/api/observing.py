"""Around every request, whatever becomes of it: its id, its time limit, its line in the log."""

from __future__ import annotations

import asyncio
import re
import secrets
import time
from typing import Any, cast

from litestar.exceptions import HTTPException
from litestar.types import ASGIApp, HTTPScope, Message, Receive, Scope, Send

from forge.api import access_log

# An id of others is taken over where it can do no harm in a header, a log or a page.
_PLAIN = re.compile(rb"[A-Za-z0-9._-]{1,64}")
# A body of 32 MiB at 5 Mbit/s; one byte now and then would hold a connection for ever.
BODY_SECONDS = 60.0
# What proxies write for a client that went away.
NO_ANSWER = 499


def observe(app: ASGIApp) -> ASGIApp:
    """The application with eyes on it."""

    async def observed(scope: Scope, receive: Receive, send: Send) -> None:
        began = time.perf_counter()
        request_id = _request_id(scope)
        names = {name for name, _ in scope["headers"]}
        # Two lengths of one body: a proxy may have gone by the other, and have passed on a second
        # request in what it took for the body of the first (RFC 9112, 6.3).
        doubtful = {b"content-length", b"transfer-encoding"} <= names
        scope["state"]["request_id"] = request_id
        status, sent = NO_ANSWER, 0

        async def noting(message: Message) -> None:
            nonlocal status, sent
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [
                    *message["headers"],
                    (b"x-request-id", request_id.encode()),
                    *([(b"connection", b"close")] if doubtful else []),
                ]
            elif message["type"] == "http.response.body":
                sent += len(message["body"])
            await send(message)

        try:
            await app(scope, _in_time(receive), noting)
        finally:
            access_log.write(cast(HTTPScope, scope), status, time.perf_counter() - began, sent)

    return observed


def _request_id(scope: Scope) -> str:
    for name, value in scope["headers"]:
        if name == b"x-request-id" and _PLAIN.fullmatch(value):
            return value.decode()
    return secrets.token_hex(8)


def _in_time(receive: Receive) -> Receive:
    """`receive`, which gives up on a body that comes too slowly."""
    deadline: float | None = None
    whole = False

    async def receive_in_time() -> Any:
        nonlocal deadline, whole
        if whole:  # what comes now is the end of the connection
            return await receive()
        if deadline is None:
            deadline = asyncio.get_running_loop().time() + BODY_SECONDS
        try:
            async with asyncio.timeout_at(deadline):
                message = await receive()
        except TimeoutError:
            raise HTTPException(status_code=408) from None
        whole = not message.get("more_body", False)
        return message

    return receive_in_time
