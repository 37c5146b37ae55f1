"""Requests on the way in: strict JSON bodies, and no query parameter that nobody reads."""

from __future__ import annotations

from typing import Any

import msgspec
from litestar import Request
from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler

from forge.api.filters import PREFIX
from forge.api.problems import (
    BadFields,
    FieldError,
    Malformed,
    UnsupportedMediaType,
    field_error,
)

# Arguments of a handler that do not come from the query string.
DEPENDENCIES = frozenset({"database", "access", "hub"})
_ELSEWHERE = DEPENDENCIES | {"data", "request", "idempotency_key", "if_none_match"}

# A payload of 1 MiB may take about three times as much when its text is written in \\u escapes.
JOB_BODY_LIMIT = 3 * 1024 * 1024
BATCH_BODY_LIMIT = 32 * 1024 * 1024
BODY_LIMIT = 64 * 1024


class StrictRequest(Request[Any, Any, Any]):
    """A request whose JSON body is read straight into the type that its handler declares.

    Litestar would read plain values first and convert them leniently ("5" for 5); and a payload
    would lose the digits that a Python float cannot hold. Here `msgspec.Raw` fields keep theirs.
    """

    async def json(self) -> Any:
        media_type = self.headers.get("content-type", "").partition(";")[0].strip().lower()
        if media_type != "application/json":
            raise UnsupportedMediaType(
                "the body must be JSON",
                f"content-type={media_type or 'none'}",
                "send the header `Content-Type: application/json`",
            )
        declared = self.route_handler.parsed_data_field
        assert declared is not None
        body = await self.body()
        try:
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


def check_query(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
    """A guard: a misspelt filter would show, or retry, everything."""
    if handler.opt.get("right") is None:
        return  # the dashboard's pages keep their state in the query
    known = set(handler.parsed_fn_signature.parameters) - _ELSEWHERE - set(connection.path_params)
    wrong = []
    seen: set[str] = set()
    for name, _ in connection.query_params.multi_items():
        if name not in known and not (name.startswith(PREFIX) and "payload" in known):
            wrong.append(FieldError(field=name, message="unknown query parameter"))
        elif name in seen:
            wrong.append(FieldError(field=name, message="given more than once"))
        seen.add(name)
    if wrong:
        raise BadFields(wrong)
