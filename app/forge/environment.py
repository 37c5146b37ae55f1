"""How one environment variable becomes a value: the parsers, and the field that carries them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from ipaddress import ip_network
from pathlib import Path
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit

import psycopg
from psycopg.conninfo import conninfo_to_dict

from forge import errors

ROLES = ("viewer", "producer", "worker", "operator")


class SettingsError(errors.SettingsError):
    """A variable holds a value that is not accepted."""

    def __init__(self, variable: str, value: str, accepts: str) -> None:
        super().__init__(
            f"{variable} has a value that is not accepted",
            f"{variable}={value}",
            f"it takes {accepts}",
        )


def port_number(text: str) -> int:
    number = int(text.removeprefix(":"))  # ":8080" is how Go programs and many platforms write it
    if not 0 <= number <= 65535:
        raise ValueError
    return number


def connection_string(text: str) -> str:
    try:
        conninfo_to_dict(text)
    except psycopg.ProgrammingError:
        raise ValueError from None
    return text


def boolean(text: str) -> bool:
    return {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}[
        text.lower()
    ]


def seconds(text: str) -> float:
    value = float(text)
    if not 0 < value <= 86_400:
        raise ValueError
    return value


def count(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError
    return number


def _items(text: str) -> tuple[str, ...]:
    return tuple(item.strip() for item in text.split(",") if item.strip())


def one_of(*choices: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        return choices[choices.index(text.lower())]

    return parse


def token_roles(text: str) -> Mapping[str, str]:
    tokens: dict[str, str] = {}
    for item in _items(text):
        role, _, token = item.partition(":")
        # A short token is guessed; 16 characters is where a random one stops being guessable.
        if role not in ROLES or len(token) < 16 or token in tokens:
            raise ValueError
        tokens[token] = role
    return MappingProxyType(tokens)


@dataclass(frozen=True)
class Rate:
    """So many requests in so many seconds."""

    requests: int
    seconds: int


UNITS = {"second": 1, "minute": 60, "hour": 3600}
NO_LIMIT = Rate(0, 1)


def rate(text: str) -> Rate:
    if text.lower() == "none":
        return NO_LIMIT
    number, _, unit = text.partition("/")
    if not 1 <= int(number) <= 1_000_000:
        raise ValueError
    return Rate(int(number), UNITS[unit.strip().lower()])


def networks(text: str) -> tuple[str, ...]:
    return tuple(str(ip_network(item)) for item in _items(text))


def origins(text: str) -> tuple[str, ...]:
    found = _items(text)
    for origin in found:
        parts = urlsplit(origin)
        if parts.scheme not in ("http", "https") or f"{parts.scheme}://{parts.netloc}" != origin:
            raise ValueError
    return found


def setting(
    variable: str,
    default: Any,
    parse: Callable[[str], Any],
    accepts: str,
    purpose: str,
    *,
    secret: bool = False,
) -> Any:
    metadata = {"variable": variable, "parse": parse, "accepts": accepts, "purpose": purpose}
    make: Any = default if callable(default) else lambda: default
    return field(default_factory=make, metadata=metadata, repr=not secret)


def path(text: str) -> Path:
    return Path(text).expanduser().absolute()


CONNECTION_STRING = "a PostgreSQL connection string such as postgres://user:password@host/database"
SECONDS = "seconds, more than 0 and at most 86400"
