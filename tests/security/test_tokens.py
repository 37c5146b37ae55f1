"""Tokens where they do not belong, and what somebody has who read the database or the logs."""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
from base64 import b64encode
from collections.abc import Callable
from datetime import timedelta
from itertools import product
from typing import Any

import httpx
import pytest

from forge.api import doorman, keeper
from tests.api.conftest import TOKENS, Client, bearer
from tests.api.expect import problem
from tests.api.serving import PATIENCE, serving
from tests.database import Clock, Database

MakeApi = Callable[..., Client]
PATHS = ("/events", "/jobs", "/session", "/metrics")
OPERATOR = "the-operator-token-1234"


def test_a_token_counts_in_its_header_only(make_api: MakeApi) -> None:
    """What stands in an address ends in logs and in histories; what a browser sends by itself,
    any page can have sent."""
    api = make_api(tokens=TOKENS)
    for path, name in product(PATHS, ("token", "access_token", "authorization", "api_key")):
        problem(api.get(path, params={name: OPERATOR}), 401, "JQ401")
    elsewhere: tuple[dict[str, str], ...] = (
        {"Cookie": f"token={OPERATOR}; Authorization=Bearer {OPERATOR}"},
        {"Authorization": "Basic " + b64encode(f"operator:{OPERATOR}".encode()).decode()},
        {"X-Api-Key": OPERATOR},
        {"X-Forwarded-For": "127.0.0.1", "X-Real-Ip": "127.0.0.1", "Host": "localhost"},
        {"Proxy-Authorization": f"Bearer {OPERATOR}"},
    )
    for path, headers in product(PATHS, elsewhere):
        problem(api.get(path, headers=headers), 401, "JQ401")
    for path in ("/", "/session"):
        assert "set-cookie" not in api.get(path, headers=bearer("operator")).headers


def test_a_hash_from_the_database_opens_nothing(make_api: MakeApi, db: Database) -> None:
    token = db.value("select token from forge.create_token('operator', 'mine')")
    stored = bytes(db.value("select hash from forge.tokens"))
    assert stored == hashlib.sha256(token.encode()).digest()
    kept = db.value("select t::text from forge.tokens as t")
    assert token not in kept
    assert token.removeprefix("forge_") not in kept
    api = make_api()
    for guess in (stored.hex(), f"forge_{stored.hex()}", token[:-1], token + "0", token.upper()):
        problem(api.get("/session", headers={"Authorization": f"Bearer {guess}"}), 401, "JQ401")
    assert api.get("/session", headers={"Authorization": f"Bearer {token}"}).status_code == 200


def test_an_unknown_token_and_a_revoked_one_look_the_same(make_api: MakeApi, db: Database) -> None:
    (revoked,) = db.rows("select * from forge.create_token('operator', 'mine')")
    db.rows("select forge.revoke_token(%s)", revoked["id"])
    api = make_api()
    told = [
        problem(api.get("/jobs", headers={"Authorization": f"Bearer {token}"}), 401, "JQ401")
        for token in (revoked["token"], "forge_" + "0" * 64, "no token at all")
    ]
    assert len({(p["title"], p["detail"], p["hint"]) for p in told}) == 1


@pytest.mark.anyio
async def test_a_token_that_expires_ends_its_open_stream(
    db: Database, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doorman, "LOOK_SECONDS", 0.02)
    monkeypatch.setattr(keeper, "FRESH_SECONDS", 0.02)
    token = db.value("select token from forge.create_token('viewer', 'v', %s)", timedelta(hours=1))
    async with (
        asyncio.timeout(PATIENCE),
        serving(db.dsn) as (url, _),
        httpx.AsyncClient(timeout=None) as client,
        client.stream(
            "GET", f"{url}/events", headers={"Authorization": f"Bearer {token}"}
        ) as stream,
    ):
        assert stream.status_code == 200
        clock.advance(hours=2)
        async for _ in stream.aiter_lines():
            pass  # it has an end


def test_a_producer_reads_no_secret_of_a_job_whose_id_it_guesses(
    make_api: MakeApi, db: Database
) -> None:
    job = db.value('select forge.enqueue(\'t\', \'{"password": "hunter2", "to": "a"}\')')
    answer = make_api(tokens=TOKENS).get(f"/jobs/{job}", headers=bearer("producer"))
    assert answer.json()["payload"] == {"password": "[redacted]", "to": "a"}
    assert "hunter2" not in answer.text


@pytest.mark.parametrize("path", ["/jobs", "/jobs/count", "/dlq", "/dlq/count"])
def test_a_viewer_cannot_find_out_a_secret_by_asking_for_it(make_api: MakeApi, path: str) -> None:
    api = make_api(tokens=TOKENS)
    deep = "[" * 300 + '{"pin": 1}' + "]" * 300
    for asked in (
        {"payload.pin": "1234"},
        {"payload.card.Card-Number": "1"},
        {"payload": '{"to": "a", "smtp": [{"Password": "hunter2"}]}'},
        {"payload": '[[{"api_key": "x"}]]'},
        {"payload": '{"smtp": {"to": "a"}}', "payload.smtp.password": "x"},
        {"payload": deep},
    ):
        problem(api.get(path, params=asked, headers=bearer("viewer")), 403, "JQ403")
        assert api.get(path, params=asked, headers=bearer("operator")).status_code == 200
    asked = {"payload.to": "a", "payload": '{"text": "my password"}'}
    assert api.get(path, params=asked, headers=bearer("viewer")).status_code == 200


def test_a_role_cannot_be_asked_for(make_api: MakeApi) -> None:
    api = make_api(tokens=TOKENS)
    for headers in ({"X-Role": "operator"}, {"X-Forge-Role": "operator"}, {"Role": "operator"}):
        answer = api.get("/session", headers={**bearer("viewer"), **headers})
        assert answer.json()["role"] == "viewer"


def test_a_token_of_any_name_makes_one_line(
    make_api: MakeApi, db: Database, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="forge.access")
    token = db.value("select token from forge.create_token('viewer', %s)", 'a", "role": "operator')
    make_api().get("/session", headers={"Authorization": f"Bearer {token}"})
    (line,) = [r.getMessage() for r in caplog.records if r.name == "forge.access"]
    read: dict[str, Any] = json.loads(line)
    assert (read["role"], read["token"]) == ("viewer", 'a", "role": "operator')
