"""Secrets in payloads, by the names of their keys: shown to operators only."""

from __future__ import annotations

import json
import re
from typing import Any

import msgspec
from msgspec import Raw

HIDDEN = "[redacted]"

# Looked for in the key in lower case without `_`, `-` and spaces: apiKey, API-KEY, api_key are one.
_SECRET = re.compile(
    r"passw(or)?d|passphrase|^pass$|^pwd$|secret|token|authorization|^auth$|cookie|credential"
    r"|apikey|accesskey|privatekey|signingkey|encryptionkey|signature|^ssn$|cardnumber"
    r"|^cvv$|^cvc$|^pin$|^otp$|connectionstring|^dsn$|databaseurl"
)


def is_secret(key: str) -> bool:
    return _SECRET.search(re.sub(r"[_\-\s]", "", key.lower())) is not None


def _verbatim(number: str) -> Raw:
    return Raw(number.encode())  # a number keeps all its digits


def _hide(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: HIDDEN if is_secret(key) else _hide(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_hide(item) for item in value]
    return value


def redact(document: Raw) -> Raw:
    """The document with the values of secret-looking keys hidden, at any depth."""
    try:
        value = json.loads(bytes(document), parse_int=_verbatim, parse_float=_verbatim)
        return Raw(msgspec.json.encode(_hide(value)))
    except RecursionError:  # too deep to look into, so all of it
        return Raw(msgspec.json.encode(HIDDEN))


def holds_a_secret(document: Raw) -> bool:
    """Whether a key looks like that of a secret, at any depth."""
    try:
        return _holds(json.loads(bytes(document)))
    except RecursionError:
        return True


def _holds(value: Any) -> bool:
    if isinstance(value, dict):
        return any(is_secret(key) or _holds(item) for key, item in value.items())
    return isinstance(value, list) and any(map(_holds, value))
