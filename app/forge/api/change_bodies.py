"""What requests carry that change live jobs, or what is taken in. As in `bodies`, shape only."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import UNSET, Meta, Raw, Struct, UnsetType

from forge.api.bodies import Int32, Name, Payload, Priority, Seconds, ZonedTime, interval
from forge.api.filter_bodies import JobsFilter
from forge.api.ranges import A_RETRY_COUNT, Factor, Jitter, RetryDelay, Tags, Timeout, one_of, told

AnyJson = Annotated[Raw, Meta(description="Any JSON.")]
Retention = Annotated[float, Meta(ge=86_400, le=3650 * 86_400, examples=[2_592_000])]
DeadRetention = Annotated[float, Meta(ge=0, le=3650 * 86_400, examples=[7_776_000])]
LogLines = Annotated[int, Meta(ge=0, le=100_000, description="Of one job.", examples=[1000])]


def _arguments(body: Struct, names: dict[str, str]) -> dict[str, Any]:
    """The values as arguments, under other names where SQL has them, and `unset` for the nulls."""
    found: dict[str, Any] = {}
    unset = []
    for field in body.__struct_fields__:
        value = getattr(body, field)
        name = field.removesuffix("_seconds")
        if value is UNSET:
            continue
        if value is None:
            unset.append(name)
        else:
            seconds = field.endswith("_seconds")
            found[names.get(field, name)] = interval(value) if seconds else value
    return found | ({"unset": unset} if unset else {})


class JobChange(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to change of a live job. Null goes back to the default; absent stays."""

    payload: Payload | UnsetType = UNSET
    priority: Priority | UnsetType = UNSET
    scheduled_at: ZonedTime | UnsetType = UNSET
    queue: Annotated[Name, Meta(description="The queue it moves to.")] | UnsetType = UNSET
    max_retries: Annotated[Int32, A_RETRY_COUNT] | UnsetType | None = UNSET
    retry_base_seconds: RetryDelay | UnsetType | None = UNSET
    retry_factor: Factor | UnsetType | None = UNSET
    retry_cap_seconds: RetryDelay | UnsetType | None = UNSET
    retry_jitter: Jitter | UnsetType | None = UNSET
    tags: Tags | UnsetType | None = UNSET
    timeout_seconds: Timeout | UnsetType | None = UNSET

    def arguments(self) -> dict[str, Any]:
        """The arguments of `forge.edit`."""
        return _arguments(self, {"queue": "to_queue"})


class JobsChange(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to change of the jobs that match. Null goes back to the default; absent stays."""

    filter: JobsFilter
    priority: Priority | UnsetType = UNSET
    scheduled_at: ZonedTime | UnsetType = UNSET
    queue: Annotated[Name, Meta(description="The queue they move to.")] | UnsetType = UNSET
    max_retries: Annotated[Int32, A_RETRY_COUNT] | UnsetType | None = UNSET
    timeout_seconds: Timeout | UnsetType | None = UNSET
    merge_payload: AnyJson | UnsetType = UNSET

    def arguments(self) -> dict[str, Any]:
        """The arguments of `forge.edit_jobs`."""
        renamed = {
            "priority": "to_priority",
            "scheduled_at": "to_scheduled_at",
            "queue": "to_queue",
            "max_retries": "to_max_retries",
            "timeout_seconds": "to_timeout",
        }
        changes = _arguments(self, renamed)
        del changes["filter"]
        return self.filter.arguments() | changes


class AdmissionSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How many jobs a queue takes in, and what becomes of the others."""

    max_depth: Annotated[
        Int32, told(minimum=1, maximum=1_000_000), Meta(description="1 to 1,000,000 PENDING jobs.")
    ]
    on_full: Annotated[str, one_of("reject", "defer", "drop_oldest")] = "reject"
    defer_for_seconds: Annotated[Seconds, told(minimum=1, maximum=365 * 86_400)] = 60

    def arguments(self) -> dict[str, Any]:
        """The arguments of `forge.set_admission`."""
        return _arguments(self, {})


class SchemaBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A JSON Schema for the payloads of a type."""

    schema: Annotated[
        Raw,
        told(type=["object", "boolean"]),
        Meta(description="JSON Schema 2020-12, a subset.", examples=[{}]),
    ]


class TypeSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to change of a type. Null inherits from the queue again; absent leaves it."""

    retry_base_seconds: RetryDelay | UnsetType | None = UNSET
    retry_factor: Factor | UnsetType | None = UNSET
    retry_cap_seconds: RetryDelay | UnsetType | None = UNSET
    retry_jitter: Jitter | UnsetType | None = UNSET
    max_retries: Annotated[Int32, A_RETRY_COUNT] | UnsetType | None = UNSET
    timeout_seconds: Timeout | UnsetType | None = UNSET

    def arguments(self) -> dict[str, Any]:
        """The arguments of `forge.set_type`."""
        return _arguments(self, {})


class CommonSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How long things are kept: 1 to 3650 days, dead jobs from 0 on. Absent leaves it.

    Null: finished jobs for 7 days, as at first; dead jobs for ever.
    """

    history_retention_seconds: Retention | UnsetType | None = UNSET
    dead_retention_seconds: DeadRetention | UnsetType | None = UNSET
    log_retention_seconds: Retention | UnsetType = UNSET
    log_lines: LogLines | UnsetType = UNSET

    def retention(self) -> dict[str, Any]:
        """The arguments of `forge.set_retention`."""
        found: dict[str, Any] = {}
        unset = []
        for name in ("history", "dead"):
            value = getattr(self, f"{name}_retention_seconds")
            if value is None:
                unset.append(name)
            elif value is not UNSET:
                found[name] = interval(value)
        return found | ({"unset": unset} if unset else {})

    def log(self) -> dict[str, Any]:
        """The arguments of `forge.set_log`."""
        found: dict[str, Any] = {}
        if self.log_retention_seconds is not UNSET:
            found["retention"] = interval(self.log_retention_seconds)
        if self.log_lines is not UNSET:
            found["lines"] = self.log_lines
        return found
