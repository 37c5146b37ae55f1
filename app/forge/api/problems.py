"""Errors on the way out: every one is an RFC 9457 problem document that carries a code.

Codes of SQL and of the program (JQ0xx, JQ1xx) come from `forge.errors`; what only HTTP can get
wrong has the HTTP status in its code (JQ401, JQ404 ...).
"""

from __future__ import annotations

import logging
import re
from http import HTTPStatus
from typing import Any

import msgspec
import psycopg
from litestar import Request, Response
from litestar.exceptions import HTTPException, ValidationException
from psycopg.errors import InsufficientPrivilege

from forge.errors import (
    DatabaseUnavailable,
    ForgeError,
    InvalidArgument,
    PayloadTooLarge,
    QueueFull,
    translate,
)

logger = logging.getLogger("forge.api")

MEDIA_TYPE = "application/problem+json"
RETRY_AFTER = "5"
_AT = re.compile(r" - at `\$\.?(.*)`$")
_NAMED = re.compile(r"(?:unknown|required) field `([^`]*)`")


class FieldError(msgspec.Struct, frozen=True, kw_only=True):
    """What is wrong with one field of a request."""

    field: str
    message: str


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """An error as RFC 9457 has it: `title` is fixed text, `detail` holds the values."""

    type: str
    title: str
    status: int
    detail: str | None
    code: str
    name: str
    hint: str | None
    instance: str
    request_id: str | None = None
    errors: list[FieldError] = msgspec.field(default_factory=list)


class Malformed(InvalidArgument):
    """The body is not JSON."""

    http_status = 400


class BadFields(InvalidArgument):
    """Fields or parameters are missing, unknown or of the wrong type."""

    def __init__(self, fields: list[FieldError]) -> None:
        first = "; ".join(f"{item.field}: {item.message}" for item in fields)
        super().__init__("the request is not valid", first, "see /docs for what is accepted")
        self.fields = fields


class Unauthorized(ForgeError):
    code, name, http_status = "JQ401", "unauthorized", 401


class Forbidden(ForgeError):
    code, name, http_status = "JQ403", "forbidden", 403


class TooManyRequests(ForgeError):
    code, name, http_status = "JQ429", "too_many_requests", 429

    def __init__(self, message: str, detail: str, hint: str, retry_after: int) -> None:
        super().__init__(message, detail, hint)
        self.retry_after = retry_after


class UnsupportedMediaType(ForgeError):
    code, name, http_status = "JQ415", "unsupported_media_type", 415


class WrongHost(ForgeError):
    code, name, http_status = "JQ421", "wrong_host", 421


class TooManyViewers(ForgeError):
    code, name, http_status = "JQ503", "too_many_viewers", 503


class TooManyWaiting(ForgeError):
    code, name, http_status = "JQ503", "too_many_waiting", 503


_HINTS = {
    404: "see /docs for the routes",
    408: "send the whole body within a minute",
    405: "the Allow header names the methods of this route",
}


def field_error(error: msgspec.ValidationError) -> FieldError:
    """The field that msgspec's message is about, and the message without it."""
    text = str(error)
    found = _AT.search(text)
    path = found[1] if found else ""
    message = text[: found.start()] if found else text
    named = _NAMED.search(message)
    if named:
        path = f"{path}.{named[1]}" if path else named[1]
    return FieldError(field=path or "body", message=message)


def _from_litestar(error: ValidationException) -> BadFields:
    fields = []
    for item in error.extra if isinstance(error.extra, list) else []:
        key = str(item.get("key", ""))
        if key == "data":
            fields.append(FieldError(field="body", message="a JSON body is required"))
        else:
            fields.append(FieldError(field=key, message=str(item.get("message", ""))))
    return BadFields(fields or [FieldError(field="body", message=error.detail)])


def as_forge_error(error: Exception) -> ForgeError:
    """The error of ours that stands for `error`; a plain `ForgeError` (500) for the unforeseen."""
    if isinstance(error, InsufficientPrivilege):
        return Forbidden(
            "the database login of this server may not do this",
            error.diag.message_primary,
            "grant it the role forge_operator, or use the server that is meant for this",
        )
    if isinstance(error, psycopg.Error):
        error = translate(error)
    if isinstance(error, ForgeError):
        return error
    if isinstance(error, ValidationException):
        return _from_litestar(error)
    if isinstance(error, HTTPException) and error.status_code == 413:
        return PayloadTooLarge(
            "the request is too large", None, "send less, or split it over several requests"
        )
    if isinstance(error, HTTPException) and error.status_code < 500:
        status = HTTPStatus(error.status_code)
        found = ForgeError(status.phrase.lower(), None, _HINTS.get(status))
        found.code, found.http_status = f"JQ{status}", int(status)
        found.name = status.name.lower()
        return found
    found = ForgeError("internal error", None, "the server's log has the details")
    found.code, found.name = "JQ500", "internal_error"
    return found


def problem_of(error: ForgeError, instance: str, request_id: str | None = None) -> Problem:
    return Problem(
        type=f"urn:forge:problem:{error.name}",
        title=error.message,
        status=error.http_status,
        detail=error.detail,
        code=error.code,
        name=error.name,
        hint=error.hint,
        instance=instance,
        request_id=request_id,
        errors=error.fields if isinstance(error, BadFields) else [],
    )


def handle(request: Request[Any, Any, Any], error: Exception) -> Response[Problem]:
    """The one exception handler: any error becomes a problem document, and no trace leaks."""
    known = as_forge_error(error)
    request_id = request.scope["state"].get("request_id")
    if known.http_status == 500:
        logger.error("request %s failed", request_id, exc_info=error)
    headers = dict(error.headers or {}) if isinstance(error, HTTPException) else {}
    if isinstance(known, Unauthorized):
        headers["WWW-Authenticate"] = "Bearer"
    if isinstance(known, DatabaseUnavailable | TooManyViewers | TooManyWaiting):
        headers["Retry-After"] = RETRY_AFTER
    if isinstance(known, QueueFull | TooManyRequests):
        headers["Retry-After"] = str(known.retry_after)
    return Response(
        problem_of(known, request.scope["path"], request_id),
        status_code=known.http_status,
        media_type=MEDIA_TYPE,
        headers=headers,
    )
