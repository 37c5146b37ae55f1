"""The errors that an operation documents in OpenAPI."""

from __future__ import annotations

from litestar.openapi.datastructures import ResponseSpec

from forge.api.problems import MEDIA_TYPE, Problem

_MEANINGS = {
    400: "The body is not JSON (JQ001).",
    401: "A token is needed (JQ401).",
    403: "The token's role, or the Origin, does not allow this (JQ403).",
    404: "There is no such job (JQ003) or schedule (JQ007).",
    409: "The job's status (JQ004), lease (JQ002) or unique key (JQ012) does not allow this.",
    413: "The request or a payload is over its limit (JQ005).",
    415: "The body is not announced as application/json (JQ415).",
    421: "The Host header names a host that this server is not (JQ421).",
    422: "A field is unknown, of the wrong type or out of range (JQ001); the payload is (JQ014).",
    429: "The queue is full (JQ013); Retry-After says when to try again.",
    503: "The database cannot be reached (JQ100), or Forge is not installed in it (JQ102).",
}
_ANYWHERE = (401, 403, 421, 422, 503)
WITH_BODY = (400, 413, 415)


def problems(*statuses: int) -> dict[int, ResponseSpec]:
    """The errors of an operation for OpenAPI: `statuses`, and those that any operation has."""
    return {
        status: ResponseSpec(
            Problem, description=_MEANINGS[status], media_type=MEDIA_TYPE, generate_examples=False
        )
        for status in sorted({*_ANYWHERE, *statuses})
    }
