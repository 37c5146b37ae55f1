"""Little that would become much: numbers, archives, nesting; and what comes little by little."""

from __future__ import annotations

import asyncio
import gzip
import json
import time
import zlib

import pytest

from forge.api import observing, protocol
from forge.api.requests import written_out
from tests.api.conftest import Client
from tests.api.expect import problem
from tests.api.serving import PATIENCE, serving
from tests.api.test_slow_clients import POST, told
from tests.database import Database
from tests.handlers.conftest import MakeJob, make_job
from tests.handlers.http_server import answer, http_server
from tests.handlers.sending import payload_for, send

__all__ = ["make_job"]
JSON = {"Content-Type": "application/json"}
SOON = 0.05


@pytest.fixture
def db(module_db: Database) -> Database:
    return module_db


def test_numbers_that_would_unpack_to_gigabytes_are_refused(api: Client, db: Database) -> None:
    """jsonb writes every digit of 1e131071: a mebibyte of them took a backend to two gigabytes."""
    numbers = {"1e131071": 300, "1e-16383": 3000, "1E+0131071": 300, "-1.5e99999999": 300}
    for number, times in numbers.items():
        document = f"[{','.join([number] * times)}]"
        for path, body in (
            ("/jobs", f'{{"type": "bomb", "payload": {document}}}'),
            ("/jobs/batch", f'[{{"type": "bomb", "payload": {document}}}]'),
            ("/worker/complete", f'{{"id": 1, "lease": "x", "result": {document}}}'),
        ):
            problem(api.post(path, content=body, headers=JSON), 413, "JQ005")
    assert db.value("select count(*) from forge.jobs where type = 'bomb'") == 0


def test_a_large_number_or_two_and_their_text_are_let_through(api: Client) -> None:
    for payload in (
        '{"n": 1e400, "m": 1e-400}',
        json.dumps(["1e131071"] * 1000),
        json.dumps({'a\\": 1e131071': '\\"1e131071' * 500}),
        json.dumps("deadbeef1e99999" * 1000),
    ):
        body = f'{{"type": "t", "payload": {payload}}}'
        assert api.post("/jobs", content=body, headers=JSON).status_code == 201


@pytest.mark.parametrize(
    "body",
    [
        b'["' + b'\\"' * 30_000,
        b"1e999" + b'"' * 30_001,
        b"1e999" + b'"\\' * 30_000,
        b"1e" + b"9" * 60_000,
        b"1e" + b"0" * 60_000,
        b"[" + b"1e131071," * 6_000,
    ],
    ids=lambda body: body[:12].decode(),
)
def test_to_look_for_them_takes_no_time_that_grows_faster_than_the_body(body: bytes) -> None:
    began = time.process_time()
    written_out(body)
    assert time.process_time() - began < 1  # some milliseconds; by looking back, many seconds


def test_what_is_nested_too_deeply_is_refused(api: Client) -> None:
    for opening, closing in (("[", "]"), ('{"a":', "}")):
        for depth in (5_000, 200_000):
            document = opening * depth + "1" + closing * depth
            body = f'{{"type": "t", "payload": {document}}}'
            problem(api.post("/jobs", content=body, headers=JSON), 400, "JQ001")


def test_a_body_that_says_it_is_packed_is_never_unpacked(api: Client) -> None:
    packed = gzip.compress(b" " * 50_000_000)
    assert len(packed) < 64 * 1024
    for coding in ("gzip", "deflate", "x-gzip", "br", "zstd", "identity, gzip"):
        headers = {**JSON, "Content-Encoding": coding}
        problem(api.post("/jobs", content=packed, headers=headers), 415, "JQ415")


@pytest.mark.anyio
async def test_a_webhooks_answer_is_never_unpacked(make_job: MakeJob) -> None:
    bomb = zlib.compress(b"A" * 50_000_000, wbits=31)
    async with http_server(answer("200 OK", bomb, content_encoding="gzip")) as server:
        result = await send(make_job(payload_for(server)))
    assert result["truncated"]
    assert "AAAA" not in result["body"]


@pytest.mark.anyio
async def test_a_redirect_leads_a_webhook_nowhere(make_job: MakeJob) -> None:
    async with http_server() as inside:
        for status in ("301 Moved", "302 Found", "303 See Other", "307 Again", "308 For Good"):
            target = f"http://127.0.0.1:{inside.port}/latest/meta-data"
            for reply in (answer(status, location=target), answer(status, refresh=f"0; {target}")):
                async with http_server(reply) as outside:
                    with pytest.raises(Exception, match="redirects are not followed"):
                        await send(make_job(payload_for(outside)))
    assert inside.requests == []


@pytest.mark.anyio
async def test_a_body_that_trickles_in_is_ended_all_the_same(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each byte is in time, the whole is not."""
    monkeypatch.setattr(observing, "BODY_SECONDS", 10 * SOON)
    monkeypatch.setattr(protocol, "HEAD_SECONDS", 10 * SOON)
    async with serving(db.dsn) as (url, _), asyncio.timeout(PATIENCE):
        host, port = url.removeprefix("http://").split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(POST + b"Content-Length: 100000\r\n\r\n")
        answered = asyncio.ensure_future(reader.read(65536))
        while not answered.done():
            writer.write(b" ")
            await asyncio.wait([answered], timeout=SOON)
        assert answered.result().startswith(b"HTTP/1.1 408 ")
        writer.close()


@pytest.mark.anyio
async def test_many_slow_clients_keep_nobody_else_waiting(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(protocol, "HEAD_SECONDS", PATIENCE)
    async with serving(db.dsn) as (url, _), asyncio.timeout(PATIENCE):
        host, port = url.removeprefix("http://").split(":")
        slow = [await asyncio.open_connection(host, int(port)) for _ in range(200)]
        for number, (_, writer) in enumerate(slow):
            writer.write(POST + b"Content-Length: 9\r\n\r\n{" if number % 2 else b"GET /jobs HT")
        whole = b"GET /jobs HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
        assert (await told(url, whole)).startswith(b"HTTP/1.1 200 ")
        for _, writer in slow:
            writer.close()
