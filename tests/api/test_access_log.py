"""A line for each request, which nothing that a client sends can break, and its id everywhere."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from tests.api.conftest import TOKENS, Client, bearer
from tests.api.serving import serving
from tests.database import Database

FIELDS = {
    "time", "level", "request_id", "method", "path", "status", "ms", "bytes", "role", "token",
    "address",
}  # fmt: skip


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture) -> Callable[[], list[dict[str, Any]]]:
    """What has been logged since it was last asked for."""
    caplog.set_level(logging.DEBUG, logger="forge.access")

    def read() -> list[dict[str, Any]]:
        texts = [r.getMessage() for r in caplog.records if r.name == "forge.access"]
        caplog.clear()
        assert all(text.isascii() and text.isprintable() for text in texts)
        return [json.loads(text) for text in texts]

    return read


Lines = Callable[[], list[dict[str, Any]]]


def test_a_line_has_what_is_needed_and_no_secret(api: Client, db: Database, lines: Lines) -> None:
    (made,) = db.rows("select * from forge.create_token('viewer', 'Zo\u00eb \u202e')")
    answer = api.get("/jobs?queue=hunter2", headers={"Authorization": f"Bearer {made['token']}"})
    (line,) = lines()
    assert set(line) == FIELDS
    assert (line["method"], line["path"], line["status"]) == ("GET", "/jobs", 200)
    assert (line["role"], line["token"]) == ("viewer", "Zo\u00eb \u202e")
    assert line["bytes"] == int(answer.headers["content-length"])
    assert line["request_id"] == answer.headers["x-request-id"]
    assert line["level"] == "info"
    assert "hunter2" not in json.dumps(line)
    assert made["token"] not in json.dumps(line)


def test_nothing_a_client_sends_breaks_a_line(api: Client, lines: Lines) -> None:
    hostile = "%0a%7b%22status%22:200%7d%1b[2J%e2%80%ae"
    api.get(
        f"/jobs/{hostile}?x=%0a",
        headers={"User-Agent": "\x7f", "X-Request-Id": 'a", "status": 200'},
    )
    (line,) = lines()
    assert set(line) == FIELDS
    assert line["status"] == 404
    assert "\n" not in line["path"]
    assert line["request_id"].isalnum()


def test_a_path_is_cut(api: Client, lines: Lines) -> None:
    api.get("/" + "x" * 5000)
    assert len(lines()[0]["path"]) == 500


@pytest.mark.parametrize(
    ("method", "path", "status", "level"),
    [
        ("GET", "/nope", 404, "warning"),
        ("PUT", "/jobs", 405, "warning"),
        ("GET", "/docs", 200, "info"),
        ("GET", "/health/live", 200, "debug"),
    ],
)
def test_every_answer_has_a_line(
    api: Client, lines: Lines, method: str, path: str, status: int, level: str
) -> None:
    answer = api.request(method, path)
    (line,) = lines()
    assert (answer.status_code, line["status"], line["level"]) == (status, status, level)
    assert answer.headers["x-request-id"] == line["request_id"]


def test_an_id_that_is_plain_is_taken_over(api: Client, lines: Lines) -> None:
    answer = api.get("/jobs/1", headers={"X-Request-Id": "Trace-7.a_b"})
    assert answer.headers["x-request-id"] == "Trace-7.a_b"
    assert answer.json()["request_id"] == "Trace-7.a_b"
    assert lines()[0]["request_id"] == "Trace-7.a_b"


@pytest.mark.parametrize("value", ["", "x" * 65, "a b", "a\u00e9", "a\t", "<b>"])
def test_an_id_that_is_not_plain_is_replaced(api: Client, value: str) -> None:
    answer = api.get("/session", headers={b"X-Request-Id": value.encode("latin-1")})
    assert answer.headers["x-request-id"] != value
    assert len(answer.headers["x-request-id"]) == 16


def test_a_refused_token_is_not_named(make_api: Callable[..., Client], lines: Lines) -> None:
    make_api(tokens=TOKENS).get("/stats", headers={"Authorization": "Bearer hunter2-hunter2"})
    (line,) = lines()
    assert (line["status"], line["role"], line["token"]) == (401, None, None)
    assert "hunter2" not in json.dumps(line)


def test_a_role_that_may_not_is_named(make_api: Callable[..., Client], lines: Lines) -> None:
    make_api(tokens=TOKENS).get("/stats", headers=bearer("worker"))
    (line,) = lines()
    assert (line["status"], line["role"]) == (403, "worker")


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("proxies", "address"), [((), "127.0.0.1"), (("127.0.0.1/32",), "192.0.2.7")]
)
async def test_only_a_trusted_proxy_tells_the_address(
    db: Database, lines: Lines, proxies: tuple[str, ...], address: str
) -> None:
    async with (
        serving(db.dsn, trusted_proxies=proxies) as (url, _),
        httpx.AsyncClient() as client,
    ):
        await client.get(f"{url}/docs", headers={"X-Forwarded-For": "203.0.113.9, 192.0.2.7"})
    assert lines()[0]["address"] == address
