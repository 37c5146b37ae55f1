"""Turns a `webhook` payload into the request to send; refuses what could smuggle a header."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import httpx
import msgspec
from msgspec import UNSET, Meta, UnsetType, field

from forge.errors import PermanentError
from forge.handlers.payload import Payload

_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,200}")
_VALUE = re.compile(r"[\x21-\x7e](?:[\t\x20-\x7e]{0,8190}[\x21-\x7e])?|")
# What the connection or the signature owns.
_OWN_HEADERS = re.compile(
    r"host|content-length|transfer-encoding|connection|keep-alive|upgrade|te|trailer|expect"
    r"|proxy-.*|accept-encoding|webhook-(id|timestamp|signature)"
)


class WebhookPayload(Payload, frozen=True):
    """`json` is sent as JSON, `body` as the text that it is; `secret` replaces the operator's."""

    url: Annotated[str, Meta(min_length=1, max_length=8192)]
    method: Literal["POST", "PUT", "PATCH", "DELETE", "GET"] = "POST"
    headers: dict[str, str] = field(default_factory=dict)
    json: Any | UnsetType = UNSET
    body: str | None = None
    timeout: Annotated[float, Meta(ge=0.1, le=300)] | None = None
    secret: str | None = None


@dataclass(frozen=True, kw_only=True)
class Call:
    method: str
    url: httpx.URL
    host: str
    port: int
    headers: dict[str, str]
    body: bytes

    @property
    def shown(self) -> str:
        """For messages: without path and query, which may hold tokens."""
        return f"{self.method} {self.url.scheme}://{self.url.netloc.decode()}"


def build(payload: WebhookPayload) -> Call:
    try:
        url = httpx.URL(payload.url)
        host = url.raw_host.decode("ascii").rstrip(".")
    except (httpx.InvalidURL, UnicodeError) as error:
        raise PermanentError(f"bad payload: `url`: {error}") from None
    if url.scheme not in ("http", "https") or not host:
        raise PermanentError("bad payload: `url` must start with http:// or https://, and a host")
    if url.userinfo:
        raise PermanentError("bad payload: `url` holds a password: use an Authorization header")
    port = url.port or (443 if url.scheme == "https" else 80)
    if port > 65535:
        raise PermanentError(f"bad payload: `url` has no port {port} to go to")
    headers, body = _content(payload)
    headers["host"] = url.netloc.decode("ascii")
    return Call(
        method=payload.method,
        url=url,
        host=host,
        port=port,
        headers=headers,
        body=body,
    )


def _content(payload: WebhookPayload) -> tuple[dict[str, str], bytes]:
    headers = {
        "user-agent": "forge",
        "accept": "*/*",
        "accept-encoding": "identity",
        "connection": "close",  # nothing follows on it
    }
    body = (payload.body or "").encode()
    if payload.body is not None:
        headers["content-type"] = "text/plain; charset=utf-8"
    if payload.json is not UNSET:
        if payload.body is not None:
            raise PermanentError("bad payload: give `json` or `body`, not both")
        headers["content-type"] = "application/json"
        body = msgspec.json.encode(payload.json)
    seen: set[str] = set()
    for name, value in payload.headers.items():
        lower = name.lower()
        if not _TOKEN.fullmatch(name) or not _VALUE.fullmatch(value):
            raise PermanentError(f"bad payload: header {name!r} has a character not allowed there")
        if _OWN_HEADERS.fullmatch(lower) or lower in seen:
            raise PermanentError(f"bad payload: header {name!r} is set by Forge, or set twice")
        seen.add(lower)
        headers[lower] = value
    return headers, body
