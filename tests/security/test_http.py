"""Requests made to write across sites, to split headers, to forge lines of a log."""

from __future__ import annotations

import logging
from collections.abc import Callable
from urllib.parse import quote

import pytest
from psycopg.conninfo import make_conninfo

from forge.api.app import create_app
from forge.settings import Settings
from forge.worker.log import say
from tests.api.conftest import Client
from tests.api.expect import problem
from tests.api.serving import serving
from tests.api.test_slow_clients import told
from tests.database import Database

MakeApi = Callable[..., Client]


@pytest.fixture
def db(module_db: Database) -> Database:
    """One for all tests here: none of them is let in."""
    return module_db


ORIGINS = [
    "http://[",
    "http://[::1",
    "http://]",
    "//",
    "null",
    "http://127.0.0.1:8080@evil.example",
    "http://evil.example/127.0.0.1:8080",
    "http://evil.example?127.0.0.1:8080",
    "http://evil.example#@127.0.0.1:8080",
    "http://127.0.0.1:8080.evil.example",
    "http://127.0.0.1:8081",
    "http://127.0.0.1",
]


def test_an_origin_that_only_looks_like_ours_cannot_write(api: Client) -> None:
    for origin in ORIGINS:
        problem(api.post("/dlq/retry", headers={"Origin": origin}), 403, "JQ403")


def test_a_host_that_only_looks_like_ours_is_not_answered(api: Client) -> None:
    for host in ("[", "127.0.0.1:8080:9", "evil@127.0.0.1", "[::1", "127.0.0.1.evil.example"):
        problem(api.get("/session", headers={"Host": host}), 421, "JQ421")


def test_a_form_of_another_site_enqueues_nothing(api: Client, db: Database) -> None:
    """What browsers send across sites without asking first, should one leave the Origin out."""
    for sent in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""):
        answer = api.post("/jobs", content=b'{"type":"form"}', headers={"Content-Type": sent})
        problem(answer, 415, "JQ415")
    assert db.value("select count(*) from forge.jobs where type = 'form'") == 0


def test_nothing_that_is_only_read_writes(make_api: MakeApi, db: Database) -> None:
    """A page can make a browser follow any link, with any Origin or none."""
    db.rows("select forge.enqueue('t', queue => 'q'), forge.set_queue('q', max_retries => 1)")
    writing = make_conninfo(db.dsn, options="-c default_transaction_read_only=on")
    api = make_api(dsn=writing)
    for path in gets():
        answer = api.get(path)
        assert answer.status_code in (200, 304, 400, 404, 422), (path, answer.text)
    problem(api.post("/jobs", json={"type": "t"}), 500, "JQ500")


def gets() -> list[str]:
    routes = create_app(Settings(), "postgresql://").routes
    paths = [route.path for route in routes if "GET" in getattr(route, "methods", ())]
    values = {"{name:str}": "q", "{type:str}": "t", "{worker:str}": "w"}
    filled = []
    for path in paths:
        for name, value in values.items():
            path = path.replace(name, value)
        parts = ["1" if part.startswith("{") else part for part in path.split("/")]
        filled.append("/".join(parts))
    assert len(filled) > 30
    return [path for path in filled if path != "/events"]


SPLITS = ("a\r\nSet-Cookie: x=1", "a\nX-Evil: 1", "a%0d%0aX-Evil: 1", "a\u0100\u010a", "a\u2028b")


def test_no_header_of_an_answer_holds_what_a_client_says(make_api: MakeApi) -> None:
    api = make_api(cors_origins=("https://friend.example",))
    for text in SPLITS:
        plain = text.encode("ascii", "ignore").replace(b"\r", b"").replace(b"\n", b"")
        for answer in (
            api.get(f"/queues/{quote(text, safe='')}"),
            api.get("/jobs", params={"queue": text}),
            api.post("/jobs", json={"type": text, "queue": text, "unique_key": text}),
            api.get("/jobs/1", headers={b"If-None-Match": plain, b"Origin": plain}),
            api.get("/jobs/1", headers={b"X-Request-Id": plain, b"Accept-Encoding": plain}),
            api.post("/jobs", json={"type": "t"}, headers={b"Idempotency-Key": plain}),
        ):
            sent = "\n".join(f"{name}: {value}" for name, value in answer.headers.items())
            assert "evil" not in sent.lower()
            assert "set-cookie" not in sent
            assert answer.status_code < 500, answer.text


GET = b"GET /session HTTP/1.1\r\nConnection: close\r\n"
POST = b"POST /jobs HTTP/1.1\r\nHost: localhost\r\n"
SMUGGLED = (
    GET + b"Host: localhost\r\nX: a\rX-Evil: 1\r\n\r\n",
    GET + b"Host: localhost\r\n X: folded\r\n\r\n",
    GET + b"Host: localhost\r\nHost: evil.example\r\n\r\n",
    GET + b"Host : localhost\r\n\r\n",
    POST + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    POST + b"Content-Length: +1\r\n\r\n0",
    POST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
    b"GET /session HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
)


@pytest.mark.anyio
async def test_no_request_is_hidden_in_another(db: Database) -> None:
    async with serving(db.dsn) as (url, _):
        for sent in SMUGGLED:
            answer = await told(url, sent)
            assert answer.count(b"HTTP/1.1 ") == 1, answer
            assert not answer.startswith(b"HTTP/1.1 2"), answer


def test_no_line_of_the_workers_log_can_be_forged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="forge.worker")
    for text in ("a\nworker.ended worker=x", "a\r", "a\x1b[2J", "a\u2028b", "a\u202eb", "a b=c"):
        say(logging.INFO, "job.failed", id=1, type=text, error=text)
    lines = [record.getMessage() for record in caplog.records]
    assert len(lines) == 6
    for line in lines:
        assert line.isprintable()
        assert line.startswith("job.failed id=1 type='a")
