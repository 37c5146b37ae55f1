"""Requests on the way in: strict JSON bodies, and no query parameter that nobody reads."""

from __future__ import annotations

import re
from typing import Any, get_args

import msgspec
from litestar import Request
from litestar.connection import ASGIConnection
from litestar.exceptions import InternalServerException
from litestar.handlers import BaseRouteHandler
from litestar.params import ParameterKwarg

from forge.api.filters import PREFIX
from forge.api.problems import (
    BadFields,
    FieldError,
    Malformed,
    UnsupportedMediaType,
    field_error,
)
from forge.errors import PayloadTooLarge

# Arguments of a handler that do not come from the query string.
DEPENDENCIES = frozenset(
    {"database", "access", "hub", "keeper", "doorman", "handover", "waiting_room", "counting"}
)
_ELSEWHERE = DEPENDENCIES | {"data", "request", "idempotency_key", "if_none_match"}

_CONTROLS = re.compile(r"[\x00-\x1F\x7F]")

# Numbers of a few bytes that PostgreSQL writes out with up to 131,072 digits before the point and
# 16,383 behind it; strings are read over.
_LONG_NUMBER = re.compile(rb"[0-9][eE][+-]?[0-9]{3}")
# Nothing here looks back, and a string without an end is read once: hostile text costs no more.
_STRING_OR_EXPONENT = re.compile(
    rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?|[0-9][eE][+-]?0*+([0-9]*)', re.DOTALL
)
_MOST_DIGITS = 131_072 + 16_383

# A payload of 1 MiB may take about three times as much when its text is written in \\u escapes.
JOB_BODY_LIMIT = 3 * 1024 * 1024
BATCH_BODY_LIMIT = 32 * 1024 * 1024
BODY_LIMIT = 64 * 1024


class StrictRequest(Request[Any, Any, Any]):
    """A request whose JSON body is read straight into the type that its handler declares.

    Litestar would read plain values first and convert them leniently ("5" for 5); and a payload
    would lose the digits that a Python float cannot hold. Here `msgspec.Raw` fields keep theirs.
    """

    async def body(self) -> bytes:
        try:
            return await super().body()
        except InternalServerException as error:  # no error of ours, and no news for the log
            raise Malformed("the body ended too soon", error.detail) from error

    async def json(self) -> Any:
        media_type = self.headers.get("content-type", "").partition(";")[0].strip().lower()
        if media_type != "application/json":
            raise UnsupportedMediaType(
                "the body must be JSON",
                f"content-type={media_type or 'none'}",
                "send the header `Content-Type: application/json`",
            )
        coding = self.headers.get("content-encoding", "identity").strip().lower()
        if coding != "identity":  # a few bytes may unpack to gigabytes
            raise UnsupportedMediaType(
                "a packed body is not taken", f"content-encoding={coding}", "send it as it is"
            )
        declared = self.route_handler.parsed_data_field
        assert declared is not None
        body = await self.body()
        try:
            if written_out(body) > BATCH_BODY_LIMIT:
                raise PayloadTooLarge(
                    "the request is too large",
                    "its numbers have too many digits when they are written out",
                    "send numbers of that size as text",
                )
            body.decode()  # fields that are kept raw are not looked at otherwise
            return msgspec.json.decode(body, type=declared.annotation)
        except msgspec.ValidationError as error:
            raise BadFields([field_error(error)]) from error
        except UnicodeDecodeError as error:
            raise Malformed("the body is not JSON", str(error), "send UTF-8") from error
        except msgspec.DecodeError as error:
            raise Malformed("the body is not JSON", str(error)) from error
        except RecursionError as error:
            raise Malformed("the body is not JSON", "it is nested too deeply") from error


def written_out(body: bytes) -> int:
    """The bytes of a JSON text once its numbers are written without exponents.

    jsonb does that: a mebibyte of `1e131071` would become 15 GB in the server's memory.
    """
    if not _LONG_NUMBER.search(body):
        return len(body)
    exponents = (found[1] for found in _STRING_OR_EXPONENT.finditer(body) if found[1])
    return len(body) + sum(min(int(text[:7]), _MOST_DIGITS) for text in exponents)


def check_query(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
    """A guard: a misspelt filter would show, or retry, everything."""
    if handler.opt.get("right") is None:
        return  # the dashboard's pages keep their state in the query
    known = set(handler.parsed_fn_signature.parameters) - _ELSEWHERE - set(connection.path_params)
    wrong = []
    seen: set[str] = set()
    for name, text in connection.query_params.multi_items():
        if name.startswith(PREFIX) and "payload" in known:
            pass
        elif name not in known:
            wrong.append(FieldError(field=name, message="unknown query parameter"))
        elif text.lower() == "null" and not _takes_text(handler, name):
            # it would be read as the absence of the parameter: everything instead of a page
            wrong.append(FieldError(field=name, message="null is no value; leave it out"))
        elif _CONTROLS.search(text) and _is_name(handler, name):
            wrong.append(FieldError(field=name, message="no name has control characters"))
        elif name in seen:
            wrong.append(FieldError(field=name, message="given more than once"))
        seen.add(name)
    if wrong:
        raise BadFields(wrong)


def _is_name(handler: BaseRouteHandler, name: str) -> bool:
    told = handler.parsed_fn_signature.parameters[name].kwarg_definition
    extra = told.schema_extra if isinstance(told, ParameterKwarg) else None
    return "pattern" in (extra or {})


def _takes_text(handler: BaseRouteHandler, name: str) -> bool:
    annotation = handler.parsed_fn_signature.parameters[name].annotation
    return annotation is str or str in get_args(annotation)
