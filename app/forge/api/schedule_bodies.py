"""What requests and answers about schedules carry."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from msgspec import UNSET, Meta, Raw, Struct, UnsetType, field, structs

from forge import db
from forge.api.access import Access
from forge.api.bodies import Int32, Payload, Priority, Retries, Seconds, ZonedTime, interval
from forge.api.present import LISTED_BYTES
from forge.api.ranges import (
    A_YEAR,
    ConcurrencyKey,
    Factor,
    Jitter,
    QueueName,
    RetryDelay,
    Tags,
    Timeout,
    TypeName,
    one_of,
    told,
)
from forge.api.redact import redact
from forge.api.shapes import Shape
from forge.models import ScheduleRow

Cron = Annotated[
    str,
    Meta(
        description="Five fields, @daily and the like, or: every 15 minutes.",
        examples=["30 4 * * mon-fri"],
    ),
]
_DOCUMENTS = ("payload", "retry_rules")
_DURATIONS = ("retry_base", "retry_cap", "timeout", "grace")


class NewSchedule(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All that a schedule is to be; what is absent or null has its default."""

    cron: Cron
    type: TypeName
    payload: Payload | UnsetType = UNSET
    time_zone: (
        Annotated[str, Meta(description="Default: UTC.", examples=["Europe/Berlin"])]
        | UnsetType
        | None
    ) = UNSET
    queue: QueueName | UnsetType | None = UNSET
    priority: Priority | UnsetType | None = UNSET
    max_retries: Retries | UnsetType | None = UNSET
    retry_base_seconds: RetryDelay | UnsetType | None = UNSET
    retry_factor: Factor | UnsetType | None = UNSET
    retry_cap_seconds: RetryDelay | UnsetType | None = UNSET
    retry_jitter: Jitter | UnsetType | None = UNSET
    tags: Tags | UnsetType | None = UNSET
    concurrency_key: ConcurrencyKey | UnsetType | None = UNSET
    timeout_seconds: Timeout | UnsetType | None = UNSET
    retry_rules: list[dict[str, Any]] | UnsetType | None = UNSET
    catch_up: (
        Annotated[str, one_of("skip", "one", "all"), Meta(description="Missed runs. Default: one.")]
        | UnsetType
        | None
    ) = UNSET
    catch_up_limit: Annotated[Int32, told(minimum=1, maximum=1000)] | UnsetType | None = UNSET
    grace_seconds: Annotated[Seconds, A_YEAR] | UnsetType | None = UNSET
    overlap: (
        Annotated[
            str,
            one_of("allow", "skip", "queue"),
            Meta(description="While a run is live. Default: allow."),
        ]
        | UnsetType
        | None
    ) = UNSET
    starts_at: ZonedTime | UnsetType | None = UNSET

    def arguments(self) -> dict[str, Any]:
        """The parameters of `forge.schedule`; what is unset or null keeps SQL's default."""
        found: dict[str, Any] = {}
        for given in self.__struct_fields__:
            value = getattr(self, given)
            if value is UNSET or value is None:
                continue
            name = given.removesuffix("_seconds")
            if name in _DOCUMENTS:
                value = db.jsonb(value)
            found[name] = interval(value) if name != given else value
        return found


class Schedule(Shape, frozen=True, kw_only=True):
    """A schedule and how it stands.

    In lists, a payload over 16 KiB is left out and named in `omitted`.
    `last_status`: of the last job, while it is kept.
    `queued_at`: the run that waits for the one before it. `skipped_at`: the last run left out,
    by `overlap` or as too `late`. `failures`: how often in a row it could not be enqueued.
    """

    name: str
    cron: str
    time_zone: str
    starts_at: datetime
    type: str
    payload: Any
    queue: str
    priority: int
    max_retries: int | None
    retry_base_seconds: float | None
    retry_factor: float | None
    retry_cap_seconds: float | None
    retry_jitter: float | None
    tags: list[str] | None
    concurrency_key: str | None
    timeout_seconds: float | None
    retry_rules: Any
    catch_up: str
    catch_up_limit: int
    grace_seconds: float
    overlap: str
    paused: bool
    paused_at: datetime | None
    next_at: datetime | None
    queued_at: datetime | None
    last_at: datetime | None
    last_job_id: int | None
    last_status: str | None
    skipped_at: datetime | None
    skipped_because: str | None
    failures: int
    last_error: str | None
    created_at: datetime
    updated_at: datetime
    omitted: list[str] = field(default_factory=list)


class Schedules(Shape, frozen=True, kw_only=True):
    """A page of schedules, by name."""

    items: list[Schedule]
    next: Annotated[str, Meta(description="The `after` of the next page.")] | None


class NextRuns(Shape, frozen=True, kw_only=True):
    """When a schedule comes next, paused or not."""

    items: list[datetime]


def present(row: ScheduleRow, access: Access) -> Schedule:
    """A schedule as an answer: durations as seconds, secrets for operators only."""
    fields = structs.asdict(row)
    for name in _DURATIONS:
        value = fields.pop(name)
        fields[f"{name}_seconds"] = None if value is None else value.total_seconds()
    if not access.sees_secrets and isinstance(row.payload, Raw):
        fields["payload"] = redact(row.payload)
    return Schedule(paused=row.paused_at is not None, **fields)


def listed(row: ScheduleRow, access: Access) -> Schedule:
    """A schedule of a page, which is to stay small."""
    return _light(present(row, access), row.payload)


class Sampled(Schedule, frozen=True, kw_only=True):
    """A schedule as `forge.overview` has it, its payload unread."""

    payload: Raw


def streamed(item: Sampled) -> Schedule:
    """A schedule for whoever watches: as on a page, and without secrets."""
    return _light(structs.replace(item, payload=redact(item.payload)), item.payload)


def _light(shown: Schedule, payload: Any) -> Schedule:
    if isinstance(payload, Raw) and len(bytes(payload)) > LISTED_BYTES:
        return structs.replace(shown, payload=None, omitted=["payload"])
    return shown
