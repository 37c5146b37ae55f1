"""Settings: everything the environment may say, read once into one frozen value.

Each field carries its variable, what it accepts and what it is for, so that documentation,
`forge doctor` and the tests read them from here.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import Field, dataclass, fields
from itertools import chain
from pathlib import Path
from types import MappingProxyType
from typing import Any, cast

import platformdirs

from forge.environment import (
    CONNECTION_STRING,
    ROLES,
    Rate,
    SettingsError,
    connection_string,
    networks,
    one_of,
    origins,
    path,
    port_number,
    rate,
    setting,
    token_roles,
)

__all__ = ["Settings", "SettingsError", "unknown_variables", "variables"]

LOG_LEVELS = ("debug", "info", "warning", "error")


def _default_home() -> Path:
    return platformdirs.user_data_path("forge", appauthor=False)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What the environment says; a field's metadata names its variable."""

    database_url: str | None = setting(
        "DATABASE_URL",
        None,
        connection_string,
        CONNECTION_STRING,
        "the database; unset, the embedded server where there is one",
        secret=True,
    )
    listen_url: str | None = setting(
        "FORGE_LISTEN_URL",
        None,
        connection_string,
        CONNECTION_STRING,
        "a direct connection for LISTEN and `forge migrate`, where DATABASE_URL goes through a "
        "transaction pooler",
        secret=True,
    )
    home: Path = setting(
        "FORGE_HOME",
        _default_home,
        path,
        "a directory",
        "where the embedded server lives",
    )
    host: str = setting(
        "FORGE_HOST", "127.0.0.1", str, "an address", "the address that the API binds to"
    )
    port: int = setting(
        "PORT",
        8080,
        port_number,
        "a port such as 8080 or :8080; 0 picks a free one",
        "the port that the API binds to",
    )
    tokens: Mapping[str, str] = setting(
        "FORGE_TOKENS",
        MappingProxyType({}),
        token_roles,
        f"role:token,role:token with roles of {', '.join(ROLES)} and different tokens of 16 or "
        "more characters",
        "who may call the API",
        secret=True,
    )
    cors_origins: tuple[str, ...] = setting(
        "FORGE_CORS_ORIGINS",
        (),
        origins,
        "origins such as https://a.example,http://localhost:3000",
        "other origins whose pages may call the API",
    )
    rate_limit: Rate | None = setting(
        "FORGE_RATE_LIMIT",
        None,
        rate,
        "a number of requests a second, minute or hour such as 600/minute, or none",
        "how many requests each token, or address without one, may make; unset, none on loopback "
        "and 6000/minute elsewhere",
    )
    trusted_proxies: tuple[str, ...] = setting(
        "FORGE_TRUSTED_PROXIES",
        (),
        networks,
        "addresses or networks such as 10.0.0.1,192.168.0.0/16",
        "proxies whose X-Forwarded-For tells the client's address",
    )
    log_level: str = setting(
        "FORGE_LOG_LEVEL",
        "info",
        one_of(*LOG_LEVELS),
        f"one of {', '.join(LOG_LEVELS)}",
        "what is logged",
    )

    @classmethod
    def from_env(cls, env: Mapping[str, str] | None = None) -> Settings:
        """Read the environment; an empty variable counts as unset, as Compose passes them."""
        env = os.environ if env is None else env
        values: dict[str, Any] = {}
        for item in fields(cls):
            variable = item.metadata["variable"]
            text = env.get(variable, "").strip()
            if not text:
                continue
            try:
                values[item.name] = item.metadata["parse"](text)
            except (ValueError, KeyError):
                shown = text if item.repr else "(hidden)"
                raise SettingsError(variable, shown, item.metadata["accepts"]) from None
        return cls(**values)


def variables() -> dict[str, Field[Any]]:
    """Every variable that Forge reads, with its field: the settings and the handlers' own."""
    from forge.handlers.config import CONFIGS  # it reads its own, and few commands need it

    every = chain.from_iterable(fields(config) for config in (Settings, *CONFIGS))
    return {cast(str, item.metadata["variable"]): item for item in every}


def unknown_variables(env: Mapping[str, str] | None = None) -> list[str]:
    """Variables that begin like Forge's but that nothing reads: most often a typing mistake."""
    env = os.environ if env is None else env
    known = variables()
    return sorted(
        name
        for name in env
        if name.startswith("FORGE_")
        and not name.startswith(("FORGE_TEST_", "FORGE_BENCH_"))
        and name not in known
    )
