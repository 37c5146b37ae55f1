"""Tokens of the database: the door closes with the first, and a revoked one is good for nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import httpx
import pytest

from forge.api import doorman, keeper
from tests.api.conftest import TOKENS, Client, bearer
from tests.api.expect import problem
from tests.api.serving import PATIENCE, serving
from tests.database import Database

MakeApi = Callable[..., Client]


@pytest.fixture(autouse=True)
def asked_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """The database is asked at every request, so that no test waits."""
    monkeypatch.setattr(keeper, "FRESH_SECONDS", 0)


def create(db: Database, role: str = "operator", expires_in: str | None = None) -> tuple[int, str]:
    (row,) = db.rows("select * from forge.create_token(%s, %s, %s)", role, role, expires_in)
    return row["id"], row["token"]


def holding(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def test_the_first_token_closes_the_api(api: Client, db: Database) -> None:
    assert api.get("/stats").status_code == 200
    made = api.post("/tokens", json={"role": "operator", "name": "me"})
    assert made.status_code == 201
    token = made.json()["token"]
    assert made.headers["cache-control"] == "no-store"

    problem(api.get("/stats"), 401, "JQ401")
    assert api.get("/stats", headers=holding(token)).status_code == 200
    session = api.get("/session", headers=holding(token)).json()
    assert (session["role"], session["name"], session["tokens"]) == ("operator", "me", True)


def test_a_revoked_token_lets_nobody_in_and_the_door_stays_closed(
    make_api: MakeApi, db: Database
) -> None:
    api = make_api()
    id, token = create(db)
    answer = api.delete(f"/tokens/{id}", headers=holding(token))
    assert answer.status_code == 200
    assert answer.json()["revoked_at"]
    problem(api.get("/stats", headers=holding(token)), 401, "JQ401")
    problem(api.get("/stats"), 401, "JQ401")
    # nor at a server that has never seen a token that was good
    problem(make_api().get("/stats"), 401, "JQ401")


def test_an_expired_token_lets_nobody_in(api: Client, db: Database) -> None:
    _, token = create(db, expires_in="1 hour")
    assert api.get("/stats", headers=holding(token)).status_code == 200
    db.rows("update forge.tokens set expires_at = forge.now()")
    problem(api.get("/stats", headers=holding(token)), 401, "JQ401")


def test_the_lists_tell_no_secret(api: Client, db: Database) -> None:
    ids = [create(db)[0] for _ in range(3)]
    _, token = create(db)
    first = api.get("/tokens?limit=2", headers=holding(token))
    rest = api.get(f"/tokens?before={first.json()['next']}", headers=holding(token)).json()
    assert [item["id"] for item in first.json()["items"] + rest["items"]][1:] == ids[::-1]
    assert rest["next"] is None
    assert "forge_" not in first.text
    assert "hash" not in first.text


def test_both_kinds_of_tokens_work_side_by_side(make_api: MakeApi, db: Database) -> None:
    _, token = create(db, "viewer")
    api = make_api(tokens=TOKENS)
    assert api.get("/session", headers=holding(token)).json()["role"] == "viewer"
    assert api.get("/session", headers=bearer("worker")).json()["role"] == "worker"
    problem(api.post("/tokens", headers=holding(token), json={}), 403, "JQ403")


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"role": "viewer"},
        {"role": "admin", "name": "x"},
        {"role": "viewer", "name": ""},
        {"role": "viewer", "name": "x", "expires_in_seconds": 0},
        {"role": "viewer", "name": "x", "expires_in_seconds": 1e9},
        {"role": "viewer", "name": "x", "token": "mine"},
    ],
)
def test_a_token_that_cannot_be_is_refused(api: Client, body: dict[str, object]) -> None:
    problem(api.post("/tokens", json=body), 422, "JQ001")


def test_a_foreign_page_cannot_make_one(api: Client) -> None:
    evil = {"Origin": "https://evil.example"}
    problem(api.post("/tokens", headers=evil, json={"role": "operator", "name": "x"}), 403, "JQ403")
    plain = {"Content-Type": "text/plain"}
    problem(api.post("/tokens", headers=plain, content=b"{}"), 415, "JQ415")


def test_a_token_that_nobody_has_cannot_be_revoked(api: Client) -> None:
    problem(api.delete("/tokens/9"), 404, "JQ404")


def test_with_a_token_any_name_of_the_server_will_do(api: Client, db: Database) -> None:
    evil = {"Host": "forge.example"}
    problem(api.get("/stats", headers=evil), 421, "JQ421")
    _, token = create(db)
    assert api.get("/stats", headers={**evil, **holding(token)}).status_code == 200


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])
def test_a_database_that_is_down_lets_nobody_in(make_api: MakeApi, host: str) -> None:
    api = make_api(dsn="postgres://nobody@127.0.0.1:1/none", host=host)
    headers = holding("forge_" + "0" * 64)
    problem(api.get("/session", headers=headers), 503, "JQ100")


def test_a_database_that_is_down_does_not_shut_out_tokens_of_the_settings(
    make_api: MakeApi,
) -> None:
    api = make_api(dsn="postgres://nobody@127.0.0.1:1/none", tokens=TOKENS)
    assert api.get("/session", headers=bearer("viewer")).status_code == 200


def test_off_loopback_nobody_is_let_in_without_a_token(make_api: MakeApi) -> None:
    problem(make_api(host="0.0.0.0").get("/session"), 401, "JQ401")


@pytest.mark.anyio
async def test_a_revoked_token_ends_its_open_streams_and_no_others(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doorman, "LOOK_SECONDS", 0.02)
    (gone, revoked), (_, good) = create(db), create(db)
    async with (
        asyncio.timeout(PATIENCE),
        serving(db.dsn) as (url, _),
        httpx.AsyncClient(timeout=None) as client,
        client.stream("GET", f"{url}/events", headers=holding(good)) as kept,
        client.stream("GET", f"{url}/events", headers=holding(revoked)) as ended,
    ):
        assert (kept.status_code, ended.status_code) == (200, 200)
        assert "content-encoding" not in kept.headers
        lines = kept.aiter_lines()
        await anext(lines)
        db.rows("select forge.revoke_token(%s)", gone)
        async for _ in ended.aiter_lines():
            pass  # it has an end
        while not (await anext(lines)).startswith(("event:", ":")):
            pass
        again = await client.get(f"{url}/events", headers=holding(revoked))
        assert again.status_code == 401


@pytest.mark.anyio
async def test_a_stream_from_before_the_first_token_ends(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doorman, "LOOK_SECONDS", 0.02)
    async with (
        asyncio.timeout(PATIENCE),
        serving(db.dsn) as (url, _),
        httpx.AsyncClient(timeout=None) as client,
        client.stream("GET", f"{url}/events") as stream,
    ):
        assert stream.status_code == 200
        create(db)
        async for _ in stream.aiter_lines():
            pass
