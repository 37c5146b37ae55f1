"""Clients that are slow, huge or no HTTP at all, over real sockets."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from forge.api import observing, protocol
from tests.api.serving import PATIENCE, serving
from tests.database import Database

pytestmark = pytest.mark.anyio
POST = b"POST /jobs HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
SOON = 0.05


async def told(url: str, *parts: bytes, until_end: bool = True) -> bytes:
    """What a client is told that sends just this, until the server ends the connection."""
    host, port = url.removeprefix("http://").split(":")
    async with asyncio.timeout(PATIENCE):
        reader, writer = await asyncio.open_connection(host, int(port))
        try:
            for part in parts:
                writer.write(part)
                await writer.drain()
            return await reader.read(-1 if until_end else 65536)
        except ConnectionResetError:
            return b""
        finally:
            writer.close()


def problem_in(answer: bytes) -> dict[str, Any]:
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b"application/problem+json" in head, answer
    assert b"nosniff" in head
    found: dict[str, Any] = json.loads(body)
    return found


@pytest.mark.parametrize("head", [b"", b"GET /jobs HTTP/1.1\r\nHost: loc", b"GE"])
async def test_a_head_that_does_not_come_ends_the_connection(
    db: Database, monkeypatch: pytest.MonkeyPatch, head: bytes
) -> None:
    monkeypatch.setattr(protocol, "HEAD_SECONDS", SOON)
    async with serving(db.dsn) as (url, _):
        assert await told(url, head) == b""


async def test_the_second_head_of_a_connection_has_to_come_too(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with serving(db.dsn) as (url, _):
        monkeypatch.setattr(protocol, "HEAD_SECONDS", SOON)
        whole = b"GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n"
        answer = await told(url, whole, b"GET /health/li")
        assert answer.count(b"HTTP/1.1 ") <= 1


async def test_a_body_that_does_not_come_is_told(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(observing, "BODY_SECONDS", SOON)
    monkeypatch.setattr(protocol, "HEAD_SECONDS", 10 * SOON)
    async with serving(db.dsn) as (url, _):
        answer = await told(url, POST + b"Content-Length: 100\r\n\r\n", b'{"type"')
        assert answer.startswith(b"HTTP/1.1 408 ")
        found = problem_in(answer)
        assert (found["code"], found["status"]) == ("JQ408", 408)


async def test_a_body_that_nobody_reads_does_not_hold_the_connection(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(protocol, "HEAD_SECONDS", SOON)
    async with serving(db.dsn) as (url, _):
        head = b"POST /nope HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000000\r\n\r\n"
        assert (await told(url, head + b"x" * 1000)).startswith(b"HTTP/1.1 404 ")


async def test_an_answer_that_nobody_reads_does_not_stay(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(protocol, "UNREAD_SECONDS", SOON)
    gone = asyncio.Event()
    lost = protocol.PatientProtocol.connection_lost

    def noting(self: protocol.PatientProtocol, exc: Exception | None) -> None:
        lost(self, exc)
        gone.set()

    monkeypatch.setattr(protocol.PatientProtocol, "connection_lost", noting)
    async with serving(db.dsn) as (url, _):
        host, port = url.removeprefix("http://").split(":")
        reader, writer = await asyncio.open_connection(host, int(port), limit=1)
        # more answers than all buffers between us hold
        writer.write(b"GET /openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n" * 200)
        async with asyncio.timeout(PATIENCE):
            await gone.wait()
        writer.close()
        assert not reader.at_eof()


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"nonsense\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"x" * 20_000, 431),
        (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: a\r\nX: a\x00b\r\n\r\n", 400),
    ],
)
async def test_what_is_no_http_gets_a_problem_document(
    db: Database, sent: bytes, status: int
) -> None:
    async with serving(db.dsn) as (url, _):
        answer = await told(url, sent)
        assert answer.startswith(b"HTTP/1.1 %d " % status)
        found = problem_in(answer)
        assert (found["status"], found["code"]) == (status, f"JQ{status}")


async def test_a_body_over_its_limit_is_refused_before_it_is_read(db: Database) -> None:
    async with serving(db.dsn) as (url, _):
        declared = await told(url, POST + b"Content-Length: 5000000\r\n\r\n", until_end=False)
        assert declared.startswith(b"HTTP/1.1 413 ")
        chunk = b"10000\r\n" + b" " * 0x10000 + b"\r\n"
        chunked = await told(
            url, POST + b"Transfer-Encoding: chunked\r\n\r\n", *[chunk] * 49, until_end=False
        )
        assert chunked.startswith(b"HTTP/1.1 413 ")


async def test_a_packed_body_is_not_unpacked(db: Database) -> None:
    async with serving(db.dsn) as (url, _):
        for coding in (b"gzip", b"deflate", b"br", b"gzip, gzip"):
            head = POST + b"Content-Encoding: " + coding + b"\r\nContent-Length: 2\r\n\r\n{}"
            answer = await told(url, head, until_end=False)
            assert problem_in(answer)["code"] == "JQ415"
