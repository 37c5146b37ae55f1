"""What workers over HTTP are answered."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, structs

from forge.api.shapes import Shape
from forge.models import Beat, Job


class ClaimedJob(Job, frozen=True, kw_only=True, rename={"timeout": "timeout_seconds"}):
    """A job that is the caller's until `lease_expires_at`, by its `lease`."""

    timeout: float | None  # type: ignore[assignment]


class Claimed(Shape, frozen=True, kw_only=True):
    """The jobs that were claimed, in their order; none where none is due."""

    items: list[ClaimedJob]


class Exchanged(Claimed, frozen=True, kw_only=True):
    """The jobs that were claimed, and those whose completion came too late."""

    lost: Annotated[
        list[int], Meta(description="Of `finished`: their lease was not current, nothing changed.")
    ]


class Told(Shape, frozen=True, kw_only=True):
    """What a worker said of a job; false where it made no difference, see the route."""

    id: int
    changed: bool


class Registered(Shape, frozen=True, kw_only=True):
    """A worker; false where it was not on the list."""

    worker: str
    changed: bool


class Beats(Shape, frozen=True, kw_only=True):
    """The jobs that need attention: lease_lost (stop) or cancel_requested (stop, then fail)."""

    items: list[Beat]


def claimed(row: Job) -> ClaimedJob:
    timeout = None if row.timeout is None else row.timeout.total_seconds()
    return ClaimedJob(**structs.asdict(row) | {"timeout": timeout})
