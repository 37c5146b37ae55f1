"""The errors that an operation documents in OpenAPI."""

from __future__ import annotations

from litestar.openapi.datastructures import ResponseSpec

from forge.api.problems import MEDIA_TYPE, Problem
from forge.errors import BY_CODE

_MEANINGS = {
    400: "The body is not JSON (JQ001).",
    401: "A token is needed (JQ401).",
    403: "The token's role, or the Origin, does not allow this (JQ403).",
    404: "There is no such job (JQ003), schedule (JQ007) or other thing (JQ404).",
    408: "The body did not come within a minute (JQ408).",
    409: "The job's status (JQ004), lease (JQ002) or unique key (JQ012) does not allow this.",
    413: "The request or a payload is over its limit (JQ005).",
    415: "The body is not announced as application/json, or is packed (JQ415).",
    421: "The Host header names a host that this server is not (JQ421).",
    422: "A field is unknown, of the wrong type or out of range (JQ001).",
    429: "Too many requests (JQ429); Retry-After says when to try again.",
    503: "The database cannot be reached (JQ100), or Forge is not installed in it (JQ102).",
}
_ANYWHERE = (401, 403, 421, 422, 429, 503)
WITH_BODY = (400, 408, 413, 415)
# What may come of an enqueue.
TAKES_IN = (*WITH_BODY, "JQ003", "JQ004", "JQ012", "JQ013", "JQ014")


_NO_SUCH = (404, "Nothing has this name or id")


def _of_sql(code: str) -> tuple[int, str]:
    known = BY_CODE[code]
    return known.http_status, (known.__doc__ or "").partition(";")[0].strip().removesuffix(".")


def problems(*errors: int | str) -> dict[int, ResponseSpec]:
    """The errors of an operation for OpenAPI: these, and those that any operation has.

    An error is a code of SQL, JQ404, or the status where that says enough.
    """
    told: dict[int, list[str]] = {}
    for error in (*_ANYWHERE, *errors):
        if isinstance(error, int):
            status, sentence = error, _MEANINGS[error]
        else:
            status, meaning = _NO_SUCH if error == "JQ404" else _of_sql(error)
            sentence = f"{meaning} ({error})."
        if f"({error})" not in " ".join(told.setdefault(status, [])):
            told[status].append(sentence)
    return {
        status: ResponseSpec(
            Problem,
            description=" ".join(told[status]),
            media_type=MEDIA_TYPE,
            generate_examples=False,
        )
        for status in sorted(told)
    }
