"""HTTP/1.1 with patience that ends: no client holds a connection by being slow.

uvicorn limits how long a connection may be idle between two requests, but not how long the head
of a request may take, nor how long an answer may go unread. Bodies have their own limit, where an
answer can still be given (`observing`).
"""

from __future__ import annotations

import asyncio
import sys
from typing import Any

import h11
import msgspec
from uvicorn.protocols.http.h11_impl import H11Protocol

from forge.api.headers import SECURITY_HEADERS
from forge.api.problems import MEDIA_TYPE, problem_of
from forge.errors import ForgeError

HEAD_SECONDS = 10.0
UNREAD_SECONDS = 30.0


class PatientProtocol(H11Protocol):
    """h11 also bounds the head of a request, to 16 KiB."""

    _head: asyncio.TimerHandle | None = None
    _unread: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._expect_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._cancel_head()
        self._cancel_unread()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.cycle is None or self.cycle.response_complete:
            self._expect_head()  # a part of a head, or the rest of a body that nobody wants
        else:
            self._cancel_head()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self.transport.is_closing():
            self._expect_reading()

    def timeout_keep_alive_handler(self) -> None:
        super().timeout_keep_alive_handler()
        self._expect_reading()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._expect_reading()

    def resume_writing(self) -> None:
        super().resume_writing()
        self._cancel_unread()

    def _unsupported_upgrade_warning(self) -> None:
        """Nobody needs two lines in the log for each client that asks for a WebSocket."""

    def send_400_response(self, msg: str) -> None:
        """What is no HTTP gets a problem document, too."""
        status = getattr(sys.exception(), "error_status_hint", 400)
        error = ForgeError("the request is not valid HTTP", None, "send less in the headers")
        if status == 400:
            error.hint = "send HTTP/1.1"
        error.code, error.name, error.http_status = f"JQ{status}", "bad_request", status
        body = msgspec.json.encode(problem_of(error, ""))
        headers = [
            *SECURITY_HEADERS,
            (b"content-type", MEDIA_TYPE.encode()),
            (b"content-length", str(len(body)).encode()),
            (b"connection", b"close"),
        ]
        events: list[Any] = [
            h11.Response(status_code=status, headers=headers),
            h11.Data(data=body),
            h11.EndOfMessage(),
        ]
        try:
            for event in events:
                self.transport.write(self.conn.send(event) or b"")
        except h11.LocalProtocolError:  # an answer is under way already
            self.transport.abort()
            return
        self.transport.close()
        self._expect_reading()

    def _expect_head(self) -> None:
        if self._head is None:
            self._head = self.loop.call_later(HEAD_SECONDS, self.transport.abort)

    def _cancel_head(self) -> None:
        if self._head is not None:
            self._head.cancel()
            self._head = None

    def _expect_reading(self) -> None:
        if self._unread is None:
            self._unread = self.loop.call_later(UNREAD_SECONDS, self.transport.abort)

    def _cancel_unread(self) -> None:
        if self._unread is not None:
            self._unread.cancel()
            self._unread = None
