"""86_tokens: made once, kept by hash only, revoked, recognised."""

from __future__ import annotations

import hashlib
import re

import pytest

from tests.database import Clock, Conn, Database
from tests.procedures.calls import Calls


def hash_of(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


def test_a_token_is_shown_once_and_kept_by_hash_only(call: Calls, tx: Conn) -> None:
    made = call.row("create_token", role="viewer", name="wall")

    assert re.fullmatch("forge_[0-9a-f]{64}", made["token"])
    (kept,) = tx.execute("select t::text as row, hash from forge.tokens as t").fetchall()
    assert made["token"] not in kept["row"]
    assert kept["hash"] == hash_of(made["token"])
    (listed,) = call.rows("list_tokens")
    assert set(listed) == {
        "id", "name", "role", "created_at", "expires_at", "revoked_at", "last_used_at",
    }  # fmt: skip


def test_no_two_tokens_are_the_same(call: Calls) -> None:
    tokens = {call.row("create_token", role="viewer", name="x")["token"] for _ in range(50)}
    assert len(tokens) == 50


def test_a_token_is_recognised_by_its_hash_alone(call: Calls) -> None:
    made = call.row("create_token", role="worker", name="fleet")

    (found,) = call.rows("authenticate", hash=hash_of(made["token"]))
    assert (found["id"], found["name"], found["role"]) == (made["id"], "fleet", "worker")
    for wrong in (hash_of(made["token"] + "x"), hash_of(""), b"", made["token"].encode(), None):
        assert call.rows("authenticate", hash=wrong) == []


def test_a_revoked_token_is_unknown_and_stays_revoked_since_then(call: Calls, noon: Clock) -> None:
    made = call.row("create_token", role="viewer", name="x")
    at = noon.now

    assert call.row("revoke_token", id=made["id"])["revoked_at"] == at
    noon.advance(hours=1)
    assert call.row("revoke_token", id=made["id"])["revoked_at"] == at
    assert call.rows("authenticate", hash=hash_of(made["token"])) == []
    assert call.rows("revoke_token", id=made["id"] + 1) == []


def test_a_token_expires_at_its_time(call: Calls, noon: Clock) -> None:
    made = call.row("create_token", role="viewer", name="x", expires_in="1 hour")
    hash = hash_of(made["token"])

    noon.advance(minutes=59, seconds=59)
    assert len(call.rows("authenticate", hash=hash)) == 1
    noon.advance(seconds=1)
    assert call.rows("authenticate", hash=hash) == []


def test_the_last_use_is_noted_once_a_minute(call: Calls, noon: Clock) -> None:
    made = call.row("create_token", role="viewer", name="x")
    hash = hash_of(made["token"])
    assert call.row("list_tokens")["last_used_at"] is None
    first = noon.now

    assert call.row("authenticate", hash=hash)["last_used_at"] == first
    noon.advance(seconds=59)
    assert call.row("authenticate", hash=hash)["last_used_at"] == first
    second = noon.advance(seconds=1)
    assert call.row("authenticate", hash=hash)["last_used_at"] == second


def test_to_recognise_waits_for_no_lock(db: Database) -> None:
    made = db.rows("select * from forge.create_token('viewer', 'x')")[0]
    holder = db.connect(autocommit=False)
    holder.execute("select from forge.tokens for update")

    asking = db.connect()
    asking.execute("set lock_timeout = '100ms'")
    found = asking.execute(
        "select id from forge.authenticate(%s)", (hash_of(made["token"]),)
    ).fetchall()
    holder.rollback()
    assert [row["id"] for row in found] == [made["id"]]


def test_to_recognise_writes_nothing_where_nothing_may_be_written(db: Database) -> None:
    made = db.rows("select * from forge.create_token('viewer', 'x')")[0]
    asking = db.connect()
    asking.execute("set default_transaction_read_only = on")

    asked = asking.execute("select id from forge.authenticate(%s)", (hash_of(made["token"]),))
    assert [row["id"] for row in asked] == [made["id"]]


def test_revoking_the_last_token_does_not_open_the_door(call: Calls, noon: Clock) -> None:
    assert call.value("needs_token") is False
    made = call.row("create_token", role="viewer", name="x", expires_in="1 day")
    assert call.value("needs_token") is True
    call.rows("revoke_token", id=made["id"])
    noon.advance(days=1000)
    assert call.value("needs_token") is True


def test_what_ended_long_ago_is_forgotten_when_another_is_made(call: Calls, noon: Clock) -> None:
    revoked = call.row("create_token", role="viewer", name="revoked")
    call.rows("create_token", role="viewer", name="expired", expires_in="1 day")
    call.rows("create_token", role="viewer", name="good")
    call.rows("revoke_token", id=revoked["id"])

    noon.advance(days=90)
    call.rows("create_token", role="viewer", name="one")
    assert len(call.rows("list_tokens")) == 4
    noon.advance(days=2)
    call.rows("create_token", role="viewer", name="two")
    assert [row["name"] for row in call.rows("list_tokens")] == ["two", "one", "good"]


def test_tokens_are_listed_in_pages_newest_first(call: Calls) -> None:
    ids = [call.row("create_token", role="viewer", name="x")["id"] for _ in range(5)]

    first = call.rows("list_tokens", max_rows=2)
    rest = call.rows("list_tokens", before=first[-1]["id"])
    assert [row["id"] for row in first + rest] == ids[::-1]


@pytest.mark.parametrize(
    "wrong",
    [
        {"role": "admin"},
        {"role": None},
        {"name": ""},
        {"name": None},
        {"name": "x" * 201},
        {"name": 'a\n{"level": "info"}'},
        {"expires_in": "0 seconds"},
        {"expires_in": "-1 day"},
        {"expires_in": "3651 days"},
    ],
)
def test_a_token_that_cannot_be_is_refused(call: Calls, wrong: dict[str, object]) -> None:
    call.refusal("JQ001", "create_token", **{"role": "viewer", "name": "x", **wrong})
    assert call.value("needs_token") is False


@pytest.mark.parametrize("max_rows", [0, 1001, None])
def test_a_page_has_bounds(call: Calls, max_rows: int | None) -> None:
    call.refusal("JQ001", "list_tokens", max_rows=max_rows)


def test_the_overview_says_when_a_token_is_needed(call: Calls) -> None:
    assert "needs_token" not in {row["topic"] for row in call.rows("overview")}
    call.rows("create_token", role="viewer", name="x")
    assert "needs_token" in {row["topic"] for row in call.rows("overview")}
