"""Settings: everything the environment may say, read once into one frozen value.

Each field carries its variable, what it accepts and what it is for, so that documentation,
`forge doctor` and the tests read them from here.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import Field, dataclass, fields
from pathlib import Path
from types import MappingProxyType
from typing import Any, cast

import platformdirs

from forge.environment import (
    ROLES,
    SECONDS,
    boolean,
    count,
    one_of,
    origins,
    path,
    port_number,
    seconds,
    setting,
    token_roles,
)
from forge.errors import SettingsError

__all__ = ["Settings", "SettingsError", "unknown_variables", "variables"]

LOG_LEVELS = ("debug", "info", "warning", "error")
SMTP_SECURITY = ("none", "starttls", "tls")


def _default_home() -> Path:
    return platformdirs.user_data_path("forge", appauthor=False)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What the environment says; a field's metadata names its variable."""

    database_url: str | None = setting(
        "DATABASE_URL",
        None,
        str,
        "a PostgreSQL connection string",
        "the database; unset, the embedded server where there is one",
        secret=True,
    )
    listen_url: str | None = setting(
        "FORGE_LISTEN_URL",
        None,
        str,
        "a PostgreSQL connection string",
        "a direct connection for LISTEN, where DATABASE_URL goes through a transaction pooler",
        secret=True,
    )
    home: Path = setting(
        "FORGE_HOME",
        _default_home,
        path,
        "a directory",
        "where the embedded server and the reports live",
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
    log_level: str = setting(
        "FORGE_LOG_LEVEL",
        "info",
        one_of(*LOG_LEVELS),
        f"one of {', '.join(LOG_LEVELS)}",
        "what is logged",
    )
    smtp_host: str = setting(
        "FORGE_SMTP_HOST", "localhost", str, "a host name", "the mail server of the email handler"
    )
    smtp_port: int = setting(
        "FORGE_SMTP_PORT", 25, port_number, "a port", "the port of the mail server"
    )
    smtp_security: str = setting(
        "FORGE_SMTP_SECURITY",
        "none",
        one_of(*SMTP_SECURITY),
        f"one of {', '.join(SMTP_SECURITY)}",
        "how the connection to the mail server is protected",
    )
    smtp_user: str | None = setting(
        "FORGE_SMTP_USER", None, str, "a user name", "the login at the mail server"
    )
    smtp_password: str | None = setting(
        "FORGE_SMTP_PASSWORD", None, str, "a password", "the password there", secret=True
    )
    smtp_from: str = setting(
        "FORGE_SMTP_FROM", "forge@localhost", str, "an address", "the sender of emails"
    )
    smtp_timeout: float = setting(
        "FORGE_SMTP_TIMEOUT", 30.0, seconds, SECONDS, "how long the mail server may take"
    )
    webhook_secret: str | None = setting(
        "FORGE_WEBHOOK_SECRET",
        None,
        str,
        "a Standard Webhooks secret (whsec_…)",
        "what webhooks are signed with",
        secret=True,
    )
    webhook_allow_private: bool = setting(
        "FORGE_WEBHOOK_ALLOW_PRIVATE",
        False,
        boolean,
        "true or false",
        "whether webhooks may go to private addresses",
    )
    webhook_timeout: float = setting(
        "FORGE_WEBHOOK_TIMEOUT", 15.0, seconds, SECONDS, "how long a receiver may take"
    )
    report_url: str | None = setting(
        "FORGE_REPORT_URL",
        None,
        str,
        "a PostgreSQL connection string",
        "the database that reports query, best with a read-only login; unset, DATABASE_URL",
        secret=True,
    )
    report_dir: Path | None = setting(
        "FORGE_REPORT_DIR",
        None,
        path,
        "a directory",
        "where reports are written; unset, reports under FORGE_HOME",
    )
    report_timeout: float = setting(
        "FORGE_REPORT_TIMEOUT", 60.0, seconds, SECONDS, "how long a report's query may run"
    )
    report_max_rows: int = setting(
        "FORGE_REPORT_MAX_ROWS", 1_000_000, count, "a number above 0", "the rows a report may have"
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
                raise SettingsError(
                    f"{variable} has a value that is not accepted",
                    f"{variable}={shown}",
                    f"it takes {item.metadata['accepts']}",
                ) from None
        return cls(**values)


def variables() -> dict[str, Field[Any]]:
    """Every variable that `Settings` reads, with its field."""
    return {cast(str, item.metadata["variable"]): item for item in fields(Settings)}


def unknown_variables(env: Mapping[str, str] | None = None) -> list[str]:
    """Variables that begin like Forge's but that nothing reads: most often a typing mistake."""
    env = os.environ if env is None else env
    known = variables()
    return sorted(
        name
        for name in env
        if name.startswith("FORGE_") and not name.startswith("FORGE_TEST_") and name not in known
    )
