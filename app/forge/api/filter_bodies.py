"""Which jobs a request is about that changes many, and how many a call."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import UNSET, Meta, Raw, Struct, UnsetType

from forge.api.bodies import BigInt, Int32, Name, ZonedTime, interval
from forge.api.parameters import STATUSES
from forge.api.ranges import one_of, told
from forge.db import jsonb

Contained = Annotated[
    Raw,
    told(type=["object", "array", "null"]),
    Meta(
        description="What the payload contains, as @> has it: an object or an array.",
        examples=[{"to": "user@example.com"}],
    ),
]


class _Filter(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    queue: Name | None = None
    type: Name | None = None
    tag: Annotated[str, Meta(min_length=1, max_length=100)] | None = None
    created_after: Annotated[ZonedTime, Meta(description="Created then or later.")] | None = None
    created_before: ZonedTime | None = None
    payload: Contained | UnsetType = UNSET
    ids: Annotated[list[BigInt], Meta(max_length=10_000)] | None = None
    dry_run: Annotated[bool, Meta(description="Change nothing; say what would be.")] = False

    def _arguments(self, renamed: dict[str, str]) -> dict[str, Any]:
        """What is neither absent nor null, under SQL's names."""
        found: dict[str, Any] = {}
        for name in self.__struct_fields__:
            value = getattr(self, name)
            if isinstance(value, Raw):
                value = UNSET if bytes(value) == b"null" else jsonb(value)
            if value is not None and value is not UNSET:
                found[renamed.get(name, name)] = value
        return found


class JobsFilter(_Filter, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which jobs; null matches all."""

    status: Annotated[str, one_of(*STATUSES)] | None = None
    scheduled_before: ZonedTime | None = None
    priority: Int32 | None = None
    after: Annotated[int, Meta(ge=0, description="Only ids above: `last_id` of a batch.")] = 0
    limit: Annotated[int, Meta(ge=1, le=10_000, description="Jobs a call.", examples=[1000])] = 1000

    def arguments(self) -> dict[str, Any]:
        """The arguments of `edit_jobs`, `cancel_jobs` and `retry_jobs` that say which jobs."""
        return self._arguments({"payload": "payload_contains", "limit": "max_jobs"})


class DeadFilter(_Filter, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which dead jobs; null matches all."""

    error: Annotated[str, Meta(description="Text that the last error contains.")] | None = None
    died_before: ZonedTime | None = None
    fingerprint: Annotated[str, Meta(description="Of the last error.")] | None = None
    limit: Annotated[int, Meta(ge=1, le=1000, description="Jobs a call.", examples=[100])] = 100

    def arguments(self) -> dict[str, Any]:
        """The arguments that `forge.retry_dead` and `forge.discard_dead` share."""
        return self._arguments({"error": "error_contains", "limit": "max_jobs"})


class DeadRetry(DeadFilter, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which dead jobs to retry, and how fast: all at once, or bit by bit as a revival."""

    rate: (
        Annotated[
            float,
            told(minimum=0.001, maximum=1000),
            Meta(description="Jobs a second.", examples=[50]),
        ]
        | None
    ) = None
    canary: (
        Annotated[
            Int32,
            told(minimum=1, maximum=100),
            Meta(description="So many first; the rest once these are completed."),
        ]
        | None
    ) = None
    canary_within_seconds: (
        Annotated[float, Meta(ge=1, le=604_800, description="Default: 600.")] | None
    ) = None

    def arguments(self) -> dict[str, Any]:
        found = super().arguments()
        if self.canary_within_seconds is not None:
            found["canary_within"] = interval(found.pop("canary_within_seconds"))
        return found
