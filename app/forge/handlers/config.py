"""What the built-in handlers take from the environment. `ENV` lists every variable they read."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, TypeVar

from forge.environment import SECONDS, SettingsError, boolean, one_of, path, seconds, setting
from forge.environment import count as whole_number
from forge.environment import port_number as port
from forge.errors import PermanentError
from forge.handlers.addresses import Network
from forge.handlers.signing import parse_secrets

T = TypeVar("T")

EVERYWHERE: tuple[Network, ...] = (
    ipaddress.ip_network("0.0.0.0/0"),
    ipaddress.ip_network("::/0"),
)


def _secrets(text: str) -> tuple[bytes, ...]:
    try:
        return parse_secrets(text)
    except PermanentError as error:
        raise ValueError(error) from None


def _networks(text: str) -> tuple[Network, ...]:
    try:
        return EVERYWHERE if boolean(text) else ()
    except KeyError:
        return tuple(ipaddress.ip_network(part.strip()) for part in text.split(","))


_COUNT = "a number above 0"
_SECURITY = ("auto", "none", "starttls", "tls")


@dataclass(frozen=True, kw_only=True)
class EmailConfig:
    host: str = setting("FORGE_SMTP_HOST", "localhost", str, "a host name", "the mail server")
    port: int = setting(
        "FORGE_SMTP_PORT", 0, port, "a port", "its port; unset, 25, or 587 starttls, 465 tls"
    )
    security: str = setting(
        "FORGE_SMTP_SECURITY",
        "",
        one_of(*_SECURITY),
        f"one of {', '.join(_SECURITY)}",
        "auto uses STARTTLS where it is offered; unset, auto, or starttls with FORGE_SMTP_USER",
    )
    user: str | None = setting("FORGE_SMTP_USER", None, str, "a user name", "the login there")
    password: str | None = setting(
        "FORGE_SMTP_PASSWORD", None, str, "a password", "its password", secret=True
    )
    sender: str = setting(
        "FORGE_SMTP_FROM", "forge@localhost", str, "an address", "who sends, if a payload is silent"
    )
    timeout: float = setting("FORGE_SMTP_TIMEOUT", 30.0, seconds, SECONDS, "limit for one mail")

    def __post_init__(self) -> None:
        # A password must not leave in clear text because somebody on the way hid STARTTLS.
        security = self.security or ("starttls" if self.user else "auto")
        object.__setattr__(self, "security", security)
        usual = {"starttls": 587, "tls": 465}.get(security, 25)
        object.__setattr__(self, "port", self.port or usual)


@dataclass(frozen=True, kw_only=True)
class WebhookConfig:
    secrets: tuple[bytes, ...] = setting(
        "FORGE_WEBHOOK_SECRET",
        (),
        _secrets,
        "one or more Standard Webhooks secrets (whsec_ and base64 of 24 to 64 bytes), by spaces",
        "what webhooks are signed with; several sign together, for a change of secret",
        secret=True,
    )
    allowed: tuple[Network, ...] = setting(
        "FORGE_WEBHOOK_ALLOW_PRIVATE",
        (),
        _networks,
        "true, false, or networks such as 10.1.0.0/16,::1",
        "the private addresses that webhooks may reach",
    )
    timeout: float = setting(
        "FORGE_WEBHOOK_TIMEOUT", 15.0, seconds, SECONDS, "limit for one request, all in all"
    )
    connect_timeout: float = setting(
        "FORGE_WEBHOOK_CONNECT_TIMEOUT", 5.0, seconds, SECONDS, "limit to connect"
    )
    retry_after_max: float = setting(
        "FORGE_WEBHOOK_RETRY_AFTER_MAX", 3600.0, seconds, SECONDS, "cap on a receiver's Retry-After"
    )


@dataclass(frozen=True, kw_only=True)
class ReportConfig:
    directory: Path | None = setting(  # noqa: RUF009
        "FORGE_REPORT_DIR",
        None,
        path,
        "a directory",
        "where reports are written; unset, this worker runs no `report` jobs",
    )
    url: str = setting(
        "FORGE_REPORT_URL",
        "",
        str,
        "a PostgreSQL connection string",
        "what reports query, best with a login that may read just that; unset, the queue's own",
        secret=True,
    )
    timeout: float = setting("FORGE_REPORT_TIMEOUT", 60.0, seconds, SECONDS, "limit for one report")
    max_rows: int = setting(
        "FORGE_REPORT_MAX_ROWS", 1_000_000, whole_number, _COUNT, "the rows a report may have"
    )
    max_bytes: int = setting(
        "FORGE_REPORT_MAX_BYTES", 256 * 2**20, whole_number, _COUNT, "the bytes a report may have"
    )
    allow_superuser: bool = setting(
        "FORGE_REPORT_ALLOW_SUPERUSER",
        False,
        boolean,
        "true or false",
        "whether reports may query as a superuser, who can read the server's files",
    )


CONFIGS = (EmailConfig, WebhookConfig, ReportConfig)
ENV: dict[str, str] = {
    item.metadata["variable"]: item.metadata["purpose"]
    for config in CONFIGS
    for item in fields(config)
}


def from_env(config: type[T], env: Mapping[str, str]) -> T:
    """One of `CONFIGS`, read from the environment; an empty variable counts as unset."""
    values: dict[str, Any] = {}
    for item in fields(config):  # type: ignore[arg-type]  # each of CONFIGS is a dataclass
        variable = item.metadata["variable"]
        text = env.get(variable, "").strip()
        if not text:
            continue
        try:
            values[item.name] = item.metadata["parse"](text)
        except (ValueError, KeyError):
            shown = text if item.repr else "(hidden)"
            raise SettingsError(variable, shown, item.metadata["accepts"]) from None
    return config(**values)
