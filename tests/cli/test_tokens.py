"""`forge token`."""

from __future__ import annotations

import re

import pytest

from tests.cli.conftest import Forge


def test_a_token_is_alone_on_stdout(forge: Forge) -> None:
    made = forge("token", "create", "viewer", "wall screen")
    assert made.code == 0
    assert re.fullmatch(r"forge_[0-9a-f]{64}\n", made.out)
    assert "not shown again" in made.err


def test_tokens_are_listed_without_what_would_let_anybody_in(forge: Forge) -> None:
    made = forge("token", "create", "worker", "fleet", "--expires-in", "90d", "--json").json
    (row,) = forge("token", "list", "--json").json
    assert (row["id"], row["name"], row["role"]) == (made["id"], "fleet", "worker")
    assert "token" not in row
    shown = forge("token", "list").out
    assert "fleet" in shown
    assert "in 89 d" in shown
    assert made["token"] not in shown
    assert forge("token", "list", "--before", row["id"], "--json").json == []


def test_a_token_is_revoked(forge: Forge) -> None:
    ids = [forge("token", "create", "viewer", "x", "--json").json["id"] for _ in range(2)]
    assert f"token {ids[0]} (viewer) is revoked" in forge("token", "revoke", *ids).out
    assert all(row["revoked_at"] for row in forge("token", "list", "--json").json)
    gone = forge("token", "revoke", 9_000_000)
    assert (gone.code, "9000000" in gone.err) == (1, True)


@pytest.mark.parametrize("text", ["90", "d", "-1d", "1.5d", "1 d", "9" * 10 + "s"])
def test_a_time_that_is_none_is_a_wrong_usage(forge: Forge, text: str) -> None:
    assert forge("token", "create", "viewer", "x", "--expires-in", text).code == 2


def test_what_sql_refuses_is_said(forge: Forge) -> None:
    for arguments in (("viewer", ""), ("viewer", "x", "--expires-in", "999999d")):
        done = forge("token", "create", *arguments)
        assert (done.code, "[JQ001]" in done.err) == (1, True), done.err
    assert forge("token", "create", "admin", "x").code == 2
