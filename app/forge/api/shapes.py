"""What answers carry, where it is not a row as it stands."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from msgspec import Meta, Struct, field

from forge.models import (
    AppliedMigration,
    Child,
    Condition,
    DeadGroup,
    ErrorCode,
    Finding,
    JobView,
    LatencyRow,
    LimitsRow,
    LogLine,
    Parent,
    PayloadCheckRow,
    Reason,
    Revival,
    Revived,
    ThroughputRow,
    Token,
    Transition,
    WorkerRow,
)

Next = Annotated[int, Meta(description="The `before` of the next page.")] | None


After = Annotated[int, Meta(description="The `after` of the next page.")] | None


class Shape(Struct, frozen=True, kw_only=True):
    """Marks the bodies of answers."""


class Job(JobView, frozen=True, kw_only=True, rename={"timeout": "timeout_seconds"}):
    """A job. In lists, documents over 16 KiB are left out and named in `omitted`."""

    timeout: float | None  # type: ignore[assignment]
    omitted: list[str] = field(default_factory=list)


class Jobs(Shape, frozen=True, kw_only=True):
    """A page of jobs, the newest first.

    `searched_to` is null unless the page ended before it was full, with more to look at: when the
    last job that it looked at was created.
    """

    items: list[Job]
    next: Next
    searched_to: datetime | None


class Reasons(Shape, frozen=True, kw_only=True):
    """Why a job does not run; all reasons that hold."""

    items: list[Reason]


class Log(Shape, frozen=True, kw_only=True):
    """Lines of a job's log, the oldest first; `next` is the `after` of those that come."""

    items: list[LogLine]
    next: int


class Parents(Shape, frozen=True, kw_only=True):
    """A page of the jobs that a job depends on, the oldest first."""

    items: list[Parent]
    next: After


class Children(Shape, frozen=True, kw_only=True):
    """A page of the jobs that depend on a job, the oldest first."""

    items: list[Child]
    next: After


class Batch(Shape, frozen=True, kw_only=True):
    """A batch: the id of its callback."""

    id: int


class ConditionItem(
    Condition, frozen=True, kw_only=True, rename={"every": "every_seconds", "took": "took_seconds"}
):
    """A condition that a job waits for."""

    every: float  # type: ignore[assignment]
    took: float | None  # type: ignore[assignment]


class Conditions(Shape, frozen=True, kw_only=True):
    """A page of conditions, the oldest first."""

    items: list[ConditionItem]
    next: After


class Brief(Shape, frozen=True, kw_only=True):
    """A job without its documents, for the event stream. `error`: the start of the last error."""

    id: int
    queue: str
    type: str
    status: str
    priority: int
    attempts: int
    max_retries: int
    scheduled_at: datetime
    created_at: datetime
    attempted_at: datetime | None
    finished_at: datetime | None
    worker: str | None
    progress: float | None
    progress_note: str | None
    error: str | None


class Enqueued(Shape, frozen=True, kw_only=True):
    """One job of a batch; `created` is false where its unique key was taken."""

    id: int
    created: bool


class EnqueuedMany(Shape, frozen=True, kw_only=True):
    """The jobs of a batch, in order."""

    items: list[Enqueued]


class Counts(Shape, frozen=True, kw_only=True):
    """Jobs by state. `failed` counts failed attempts; `capped`: a live number was cut off."""

    waiting: int
    scheduled: int
    ready: int
    processing: int
    dead: int
    completed: int
    cancelled: int
    failed: int
    oldest_ready_at: datetime | None
    capped: bool


class QueueCounts(Counts, frozen=True, kw_only=True):
    """The counts of one queue. A live number that is `counted_to` may be larger."""

    queue: str
    paused: bool
    counted_to: int


class WorkerCounts(Shape, frozen=True, kw_only=True):
    """Workers: how many are registered, how many of them live, and their running jobs."""

    alive: int
    registered: int
    processing: int


class Stats(Shape, frozen=True, kw_only=True):
    """The numbers of all queues."""

    totals: Counts
    queues: list[QueueCounts]
    workers: WorkerCounts


class History(Shape, frozen=True, kw_only=True):
    """What happened, in buckets of time."""

    items: list[ThroughputRow]
    since_seconds: float
    bucket_seconds: float


_PERCENTILES = [f"{what}_p{share}" for what in ("wait", "run") for share in (50, 95, 99)]


class Latency(
    LatencyRow,
    frozen=True,
    kw_only=True,
    rename={name: f"{name}_seconds" for name in _PERCENTILES},
):
    """How long jobs waited and ran that were completed in a bucket; null where none were."""

    wait_p50: float | None  # type: ignore[assignment]
    wait_p95: float | None  # type: ignore[assignment]
    wait_p99: float | None  # type: ignore[assignment]
    run_p50: float | None  # type: ignore[assignment]
    run_p95: float | None  # type: ignore[assignment]
    run_p99: float | None  # type: ignore[assignment]


class Latencies(Shape, frozen=True, kw_only=True):
    """How long jobs waited and ran, in buckets of time."""

    items: list[Latency]
    since_seconds: float
    bucket_seconds: float


class Warnings(Shape, frozen=True, kw_only=True):
    """What an operator should read now; `severity`: warning or info."""

    items: list[Finding]


class Queue(Shape, frozen=True, kw_only=True):
    """A queue and its settings; null inherits the default."""

    queue: str
    paused: bool
    paused_at: datetime | None
    pause_reason: str | None
    retry_base_seconds: float | None
    retry_factor: float | None
    retry_cap_seconds: float | None
    retry_jitter: float | None
    max_retries: int | None
    keep_history: bool
    keep_result: bool
    created_at: datetime
    updated_at: datetime


class Queues(Shape, frozen=True, kw_only=True):
    items: list[Queue]


class Admission(Shape, frozen=True, kw_only=True):
    """How many jobs a queue takes in, and about how deep it is; no `max_depth`: any number."""

    queue: str
    max_depth: int | None
    on_full: str | None
    defer_for_seconds: float | None
    depth: int | None
    sampled_at: datetime | None
    created_at: datetime | None
    updated_at: datetime | None


class Admissions(Shape, frozen=True, kw_only=True):
    items: list[Admission]


class Schemas(Shape, frozen=True, kw_only=True):
    items: list[PayloadCheckRow]


class Limits(
    LimitsRow,
    frozen=True,
    kw_only=True,
    rename={"per": "per_seconds", "key_per": "key_per_seconds"},
):
    """The limits of a queue; null: none. `running` counts against `max_running`."""

    per: float | None  # type: ignore[assignment]
    key_per: float | None  # type: ignore[assignment]


class AllLimits(Shape, frozen=True, kw_only=True):
    items: list[Limits]


class Workers(Shape, frozen=True, kw_only=True):
    items: list[WorkerRow]


class WorkerPage(WorkerRow, frozen=True, kw_only=True):
    """A worker and its jobs in hand, those that it has had longest first."""

    jobs: list[Brief]


class QueuePage(Shape, frozen=True, kw_only=True):
    """A queue: settings, numbers, limits, admission, each where there is one; and its workers."""

    queue: Queue | None
    stats: QueueCounts | None
    limits: Limits | None
    admission: Admission | None
    workers: list[WorkerRow]


class QueueDropped(Shape, frozen=True, kw_only=True):
    """Whether nothing is left of a queue; else call again."""

    queue: str
    dropped: bool


class KnownType(Shape, frozen=True, kw_only=True):
    """A type and its settings; null inherits from the queue.

    `queue`: of its newest job. `workers`: live ones that run it. `seen_at`: when its newest job was
    made. `schema`, `function_name`: what its payloads must keep to.
    """

    type: str
    queue: str | None
    retry_base_seconds: float | None
    retry_factor: float | None
    retry_cap_seconds: float | None
    retry_jitter: float | None
    max_retries: int | None
    timeout_seconds: float | None
    schema: Any
    function_name: str | None
    workers: int
    seen_at: datetime | None


class KnownTypes(Shape, frozen=True, kw_only=True):
    """A page of types by name."""

    items: list[KnownType]
    next: Annotated[str, Meta(description="The `after` of the next page.")] | None


class Settings(Shape, frozen=True, kw_only=True):
    """What holds for all queues and types. No `dead_retention_seconds`: for ever."""

    retry_base_seconds: float
    retry_factor: float
    retry_cap_seconds: float
    retry_jitter: float
    max_retries: int
    payload_limit: int
    history_retention_seconds: float
    dead_retention_seconds: float | None
    log_retention_seconds: float
    log_lines: int


class Findings(Shape, frozen=True, kw_only=True):
    """What is wrong, and what to do; nothing where all is well."""

    items: list[Finding]


class ErrorCodes(Shape, frozen=True, kw_only=True):
    items: list[ErrorCode]


class Migrations(Shape, frozen=True, kw_only=True):
    """What the database is: the version of its functions, and its migrations in their order."""

    version: str
    items: list[AppliedMigration]


class Transitions(Shape, frozen=True, kw_only=True):
    items: list[Transition]


class Retried(Shape, frozen=True, kw_only=True):
    """How many dead jobs are PENDING again; `more`: call again for the rest.

    `revival`: the id of what goes on with the rest by itself. With `dry_run`, how many would be,
    and a `sample` of them.
    """

    retried: int
    more: bool
    revival: int | None = None
    sample: list[Revived] | None = None


class Discarded(Shape, frozen=True, kw_only=True):
    """How many dead jobs are gone; with `dry_run`, would be. `more`: call again for the rest."""

    discarded: int
    more: bool


class DeadGroups(Shape, frozen=True, kw_only=True):
    """Dead jobs by error, the latest group first."""

    items: list[DeadGroup]


class Revivals(Shape, frozen=True, kw_only=True):
    """A page of revivals, the newest first."""

    items: list[Revival]
    next: Next


class RetryRuleShape(Shape, frozen=True, kw_only=True):
    """One retry rule of a type, a queue or for all."""

    scope: str
    name: str | None
    position: int
    rule: str
    error_type: str | None
    error: str | None
    action: str
    retry_base_seconds: float | None
    retry_factor: float | None
    retry_cap_seconds: float | None
    retry_jitter: float | None
    max_retries: int | None


class RetryRules(Shape, frozen=True, kw_only=True):
    """Retry rules in the order in which a failure asks them."""

    items: list[RetryRuleShape]


class Session(Shape, frozen=True, kw_only=True):
    """Who the caller is. `name`: of its token; `tokens`: whether the API asks for tokens."""

    role: str
    name: str | None
    rights: list[str]
    tokens: bool
    version: str


class Tokens(Shape, frozen=True, kw_only=True):
    """A page of tokens, the newest first, without what would let anybody in."""

    items: list[Token]
    next: Next


class Health(Shape, frozen=True, kw_only=True):
    status: str
    version: str | None = None


class DeadJobs(Shape, frozen=True, kw_only=True):
    """The dead-letter queue at a glance."""

    dead: int
    capped: bool
    items: list[Brief]


class BriefJobs(Shape, frozen=True, kw_only=True):
    items: list[Brief]
