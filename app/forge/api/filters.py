"""Which jobs a list or a count is about: the filters of the query string."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Annotated, Any

import msgspec
from litestar import Request
from litestar.params import QueryParameter
from msgspec import Raw

from forge import db
from forge.api.access import Access
from forge.api.bodies import ZonedTime
from forge.api.problems import BadFields, FieldError, Forbidden
from forge.api.redact import holds_a_secret
from forge.calls.arguments import given

# Read here and not by Litestar, which takes 0.5 for a time, too.
_A_TIME = {"format": "date-time"}
CreatedAfter = Annotated[
    str | None,
    QueryParameter(
        description="Created then or later: a time with a zone, as RFC 3339 has it.",
        schema_extra=_A_TIME,
    ),
]
CreatedBefore = Annotated[
    str | None, QueryParameter(description="Created before this.", schema_extra=_A_TIME)
]
DiedBefore = Annotated[
    str | None, QueryParameter(description="Died before this.", schema_extra=_A_TIME)
]
PayloadFilter = Annotated[
    str | None,
    QueryParameter(
        description="What the payload contains, as JSON: an object or an array. Or one value of it "
        "by its path, as `payload.to=user@example.com` or `payload.order.id=7`; a number, true, "
        "false and null are taken as such, anything else as text. Several must all hold."
    ),
]
ErrorFilter = Annotated[
    str | None, QueryParameter(description="Text that the last error contains.")
]
FingerprintFilter = Annotated[
    str | None, QueryParameter(max_length=200, description="Of the last error.")
]

PREFIX = "payload."
_TIMES = ("created_after", "created_before", "died_before")
_LITERAL = re.compile(r"true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?")


def job_filter(
    request: Request[Any, Any, Any], payload: str | None, **named: Any
) -> dict[str, Any]:
    """The arguments of `search_jobs` and `count_jobs` that are a filter."""
    contained = contained_payload(request, payload)
    return given(payload_contains=contained, **_with_times(named))


def dead_filter(
    request: Request[Any, Any, Any], payload: str | None, error: str | None, **named: Any
) -> dict[str, Any]:
    """The arguments of `search_dead` and `count_dead` that are a filter."""
    contained = contained_payload(request, payload)
    return given(payload=contained, error_contains=error, **_with_times(named))


def _with_times(named: dict[str, Any]) -> dict[str, Any]:
    times = {name: named[name] for name in _TIMES if named.get(name) is not None}
    return named | {name: _time(name, text) for name, text in times.items()}


def _time(name: str, text: str) -> datetime:
    try:
        return msgspec.json.decode(msgspec.json.encode(text), type=ZonedTime)
    except msgspec.ValidationError as error:
        raise _wrong(
            name, f"use a time with a zone, such as 2030-01-31T12:00:00Z: {error}"
        ) from error


def contained_payload(request: Request[Any, Any, Any], payload: str | None) -> Any:
    """`payload` and all of `payload.…` as one document; None where there is neither.

    Who sees no secrets may not ask for one either: a PIN would be found after 10,000 questions.
    """
    found: Any = None
    if payload is not None:
        found = _parsed(payload)
    for name, text in request.query_params.multi_items():
        if not name.startswith(PREFIX):
            continue
        if found is None:
            found = {}
        if not isinstance(found, dict):
            raise _wrong(name, "payload is no object, so it has no such part")
        _put(found, name, _value(text))
    if found is None:
        return None
    access: Access = request.state.access
    if not access.sees_secrets and holds_a_secret(Raw(msgspec.json.encode(found))):
        raise Forbidden(
            "the role may not look for secrets",
            f"role={access.role}",
            "leave out what is shown as redacted, or let an operator look",
        )
    return db.jsonb(found)


def _parsed(text: str) -> Any:
    try:
        found = msgspec.json.decode(text, type=dict[str, Raw] | list[Raw])
    except (msgspec.MsgspecError, RecursionError) as error:
        raise _wrong("payload", f"use a JSON object or array: {error}") from error
    return found


def _value(text: str) -> Any:
    # Raw keeps all digits of a number.
    return Raw(text.encode()) if _LITERAL.fullmatch(text) else text


def _put(document: dict[str, Any], name: str, value: Any) -> None:
    *path, last = name.removeprefix(PREFIX).split(".")
    if "" in (*path, last):
        raise _wrong(name, "a part of the path has no name")
    for key in path:
        inner = document.setdefault(key, {})
        if isinstance(inner, Raw):
            inner = document[key] = _inside(name, inner)
        if not isinstance(inner, dict):
            raise _wrong(name, "another parameter says that this is no object")
        document = inner
    if last in document:
        raise _wrong(name, "another parameter says what this is")
    document[last] = value


def _inside(name: str, document: Raw) -> dict[str, Raw]:
    try:
        return msgspec.json.decode(document, type=dict[str, Raw])
    except msgspec.MsgspecError as error:
        raise _wrong(name, "another parameter says that this is no object") from error


def _wrong(name: str, message: str) -> BadFields:
    return BadFields([FieldError(field=name, message=message)])
