"""Without a database, or without Forge in it, the API starts and says so."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from litestar.testing import TestClient

from forge.api import create_app
from forge.settings import Settings
from tests.api.conftest import Client
from tests.api.serving import forge_api
from tests.database import Database

NOWHERE = "postgres://nobody@127.0.0.1:1/none"
CALLS = [
    ("GET", "/health/ready"),
    ("POST", "/dlq/1/retry"),
]


def test_every_call_says_quickly_that_there_is_no_database() -> None:
    with TestClient(create_app(Settings(), NOWHERE), base_url="http://127.0.0.1") as api:
        assert api.get("/health/live").status_code == 200
        for method, path in CALLS:
            started = time.monotonic()
            answer = api.request(method, path)
            assert time.monotonic() - started < 8  # 3 seconds, and a busy machine
            assert (answer.status_code, answer.json()["code"]) == (503, "JQ100"), path
            assert answer.headers["retry-after"]
            assert answer.headers["content-type"] == "application/problem+json"


def test_a_server_starts_without_a_database() -> None:
    with forge_api(NOWHERE) as (url, _):
        assert url.startswith("http://127.0.0.1:")


def test_a_database_without_forge_is_told_apart(
    blank_db: Database,
) -> None:
    with TestClient(create_app(Settings(), blank_db.dsn), base_url="http://127.0.0.1") as api:
        for path in ("/health/ready", "/stats"):
            answer = api.get(path)
            assert (answer.status_code, answer.json()["code"]) == (503, "JQ102")
            assert "forge migrate" in answer.json()["hint"]


def test_lost_connections_are_replaced(api: Client, db: Database) -> None:
    assert api.get("/health/ready").status_code == 200
    db.rows(
        "select pg_terminate_backend(pid) from pg_stat_activity "
        "where datname = current_database() and application_name = 'forge api'"
    )
    assert api.get("/health/ready").status_code == 200


def test_what_is_unforeseen_leaks_nothing(
    make_api: Callable[..., Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    api = make_api()

    def break_down(*_: object) -> None:
        raise RuntimeError("the secret of the house")

    monkeypatch.setattr("forge.api.present.stats", break_down)
    answer = api.get("/stats")
    assert (answer.status_code, answer.json()["code"]) == (500, "JQ500")
    assert "secret" not in answer.text
    assert "Traceback" not in answer.text
