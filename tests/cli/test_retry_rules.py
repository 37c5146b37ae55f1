"""`forge retry-rules`, and the reason of a pause."""

from __future__ import annotations

import json

import pytest

from tests.cli.conftest import Forge

RULES = [{"error_type": "Limited", "action": "retry", "retry_base": "1 minute"}]


def test_a_list_is_set_shown_and_removed(forge: Forge) -> None:
    stdin = json.dumps(RULES).encode()

    (rule,) = forge("retry-rules", "set", "-", "--type", "email", "--json", stdin=stdin).json
    assert (rule["name"], rule["rule"], rule["action"]) == ("email", "Limited", "retry")
    assert forge("retry-rules", "--json").json == [rule]
    assert forge("retry-rules", "list", "--queue", "q", "--json").json == []
    assert "Limited" in forge("retry-rules").out
    assert forge("retry-rules", "set", "-", "--type", "email", "--json", stdin=b"[]").json == []


@pytest.mark.parametrize("document", [b"{", b"{}", b"[5]"])
def test_what_is_no_list_is_wrong_usage(forge: Forge, document: bytes) -> None:
    assert forge("retry-rules", "set", "-", stdin=document).code == 2


def test_a_wrong_rule_gets_a_code(forge: Forge) -> None:
    result = forge("retry-rules", "set", "-", stdin=b'[{"error": "(", "action": "retry"}]')

    assert (result.code, "[JQ001]" in result.err) == (1, True)


def test_a_pause_has_a_reason(forge: Forge) -> None:
    row = forge("queues", "pause", "q", "--reason", "the server moves", "--json").json

    assert row["pause_reason"] == "the server moves"
    assert "the server moves" in forge("queues").out
