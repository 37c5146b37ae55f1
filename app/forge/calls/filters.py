"""Which jobs: the filters that lists, counts and changes of many have in common."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, TypedDict

from forge.calls.arguments import as_json, given

Contained = Mapping[str, Any] | Sequence[Any]


class JobFilter(TypedDict, total=False):
    """Which jobs; what is left out or None matches all."""

    queue: str | None
    type: str | None
    status: str | None
    tag: str | None
    created_after: datetime | None
    created_before: datetime | None
    payload_contains: Contained | None
    ids: Sequence[int] | None


class LiveFilter(JobFilter, total=False):
    """The same of jobs that have not ended, which are changed by it."""

    scheduled_before: datetime | None
    priority: int | None


class DeadFilter(TypedDict, total=False):
    """Which dead jobs; what is left out or None matches all."""

    queue: str | None
    type: str | None
    error_contains: str | None
    died_before: datetime | None
    fingerprint: str | None
    ids: Sequence[int] | None
    tag: str | None
    payload: Contained | None
    created_after: datetime | None
    created_before: datetime | None


def wanted(filter: JobFilter | DeadFilter) -> dict[str, Any]:
    """A filter as arguments."""
    found = given(**filter)
    if "ids" in found:
        found["ids"] = list(found["ids"])
    for name in ("payload", "payload_contains"):
        if name in found:
            found[name] = as_json(name, found[name])
    return found
