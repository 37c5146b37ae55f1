"""Secrets in documents, by the names of their keys."""

from __future__ import annotations

import json

import pytest
from msgspec import Raw

from forge.api.redact import is_secret, redact


@pytest.mark.parametrize(
    "key",
    ["password", "Passwd", "db_password", "token", "accessToken", "SECRET", "client-secret",
     "Authorization", "api_key", "apiKey", "X-API-Key", "cookie", "Set-Cookie", "private_key",
     "credentials", "card number", "pin"],
)  # fmt: skip
def test_these_keys_look_secret(key: str) -> None:
    assert is_secret(key)


@pytest.mark.parametrize(
    "key", ["to", "subject", "key", "keyword", "author", "spinner", "compass", "id", "opinion"]
)
def test_these_keys_do_not(key: str) -> None:
    assert not is_secret(key)


def test_values_are_hidden_at_any_depth_and_of_any_kind() -> None:
    document = {"a": [{"token": {"x": 1}}, {"b": {"password": None}}], "keep": "token"}
    found = json.loads(bytes(redact(Raw(json.dumps(document).encode()))))
    assert found == {
        "a": [{"token": "[redacted]"}, {"b": {"password": "[redacted]"}}],
        "keep": "token",
    }


def test_numbers_keep_their_digits() -> None:
    text = b'{"n":12345678901234567890123,"f":1.50,"e":1e400,"t":true,"z":null}'
    assert bytes(redact(Raw(text))) == text


def test_what_is_too_deep_to_look_into_is_hidden() -> None:
    deep = b'{"password":"x","a":' + b"[" * 50_000 + b"]" * 50_000 + b"}"
    assert bytes(redact(Raw(deep))) == b'"[redacted]"'
