"""What requests carry that change live jobs, or what is taken in. As in `bodies`, shape only."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import UNSET, Meta, Raw, Struct, UnsetType

from forge.api.bodies import Int32, Name, Payload, Priority, Seconds, ZonedTime, interval
from forge.api.filter_bodies import JobsFilter

AnyJson = Annotated[Raw, Meta(description="Any JSON.")]


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
    max_retries: Int32 | UnsetType | None = UNSET
    retry_base_seconds: Seconds | UnsetType | None = UNSET
    retry_factor: float | UnsetType | None = UNSET
    retry_cap_seconds: Seconds | UnsetType | None = UNSET
    retry_jitter: float | UnsetType | None = UNSET
    tags: list[str] | UnsetType | None = UNSET
    timeout_seconds: Seconds | UnsetType | None = UNSET

    def arguments(self) -> dict[str, Any]:
        """The arguments of `forge.edit`."""
        return _arguments(self, {"queue": "to_queue"})


class JobsChange(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to change of the jobs that match. Null goes back to the default; absent stays."""

    filter: JobsFilter
    priority: Priority | UnsetType = UNSET
    scheduled_at: ZonedTime | UnsetType = UNSET
    queue: Annotated[Name, Meta(description="The queue they move to.")] | UnsetType = UNSET
    max_retries: Int32 | UnsetType | None = UNSET
    timeout_seconds: Seconds | UnsetType | None = UNSET
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

    max_depth: Annotated[Int32, Meta(description="1 to 1,000,000 PENDING jobs.")]
    on_full: Annotated[str, Meta(description="reject, defer or drop_oldest.")] = "reject"
    defer_for_seconds: Seconds = 60

    def arguments(self) -> dict[str, Any]:
        """The arguments of `forge.set_admission`."""
        return _arguments(self, {})


class SchemaBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A JSON Schema for the payloads of a type."""

    schema: Annotated[Raw, Meta(description="JSON Schema 2020-12, a subset.", examples=[{}])]
