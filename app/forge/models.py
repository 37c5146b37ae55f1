"""The rows that Forge's functions return. One struct per row type: row, response body and schema.

Fields have the names and meanings of the SQL columns (`\\d+ forge.*` tells them at length).
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from msgspec import Struct

if TYPE_CHECKING:
    from forge.worker.context import JobContext


class Row(Struct, frozen=True):
    """Marks the structs that mirror a row type, column by column and in its order."""


class Job(Row, frozen=True):
    """A claimed job, as a handler gets it. SQL: forge.claimed_job."""

    id: int
    queue: str
    type: str
    payload: Any
    priority: int
    attempts: int
    max_retries: int
    scheduled_at: datetime
    created_at: datetime
    attempted_at: datetime
    lease: UUID
    lease_expires_at: datetime
    timeout: timedelta | None
    tags: list[str] | None
    concurrency_key: str | None = None
    schedule: str | None = None
    nominal_at: datetime | None = None

    def log(self, message: str, level: str = "info", data: Any = None) -> None:
        """In a handler: adds a line to the job's log, for others to see.

        Returns at once; the worker sends lines together, and before it says that the job is done.
        `level`: debug, info, warning or error. `data`: whatever has a form in JSON, 4,096 bytes.
        Raises `InvalidArgument`. SQL: forge.report
        """
        context_of(self).log(message, level, data)

    def progress(self, value: float, note: str | None = None) -> None:
        """In a handler: records how far the job is, 0 to 1, for others to see. Returns at once.

        Raises `InvalidArgument`. SQL: forge.report
        """
        context_of(self).progress(value, note)


class JobView(Row, frozen=True):
    """Any job, live or finished, under one shape. SQL: forge.all_jobs."""

    id: int
    queue: str
    type: str
    payload: Any
    priority: int
    status: str
    attempts: int
    max_retries: int
    scheduled_at: datetime
    created_at: datetime
    attempted_at: datetime | None
    finished_at: datetime | None
    worker: str | None
    lease_expires_at: datetime | None
    cancel_requested_at: datetime | None
    unique_key: str | None
    tags: list[str] | None
    progress: float | None
    progress_note: str | None
    result: Any
    errors: list[dict[str, Any]]
    revived_at: datetime | None
    revivals: int
    timeout: timedelta | None
    concurrency_key: str | None
    on_parent_failure: str | None
    schedule: str | None
    nominal_at: datetime | None
    origin: Any


class FoundPage(Row, frozen=True):
    """A page of ids, and where the search goes on. SQL: forge.found_page."""

    ids: list[int]
    next: int | None
    searched_to: datetime | None


class BoundedCount(Row, frozen=True):
    """How many; `capped`: there may be more. SQL: forge.bounded_count."""

    count: int
    capped: bool


class Enqueued(Row, frozen=True):
    """One job of `enqueue_many`: its id, and whether this call made it. SQL: forge.enqueued."""

    id: int
    created: bool


class Parent(Row, frozen=True):
    """A job that another one depends on; nulls where it is kept no more. SQL: forge.parent_row."""

    id: int
    type: str | None
    status: str | None
    result: Any
    error: str | None


class Child(Row, frozen=True):
    """A job that depends on another one, or did. SQL: forge.child_row."""

    id: int
    queue: str | None
    type: str | None
    status: str | None
    on_parent_failure: str | None
    error: str | None


class Condition(Row, frozen=True):
    """An SQL condition that a job waits for. SQL: forge.condition_row."""

    id: int
    condition: str
    asker: str
    every: timedelta
    due_at: datetime
    deadline: datetime | None
    on_deadline: str
    looks: int
    looked_at: datetime | None
    took: timedelta | None
    error: str | None


class Failed(Row, frozen=True):
    """What became of a failed attempt. SQL: forge.failed."""

    id: int
    status: str
    scheduled_at: datetime | None
    attempts: int
    max_retries: int


class Beat(Row, frozen=True):
    """A job that a heartbeat has news of. SQL: forge.beat."""

    id: int
    reason: str


class Change(Row, frozen=True):
    """One job whose status was changed. SQL: forge.change."""

    id: int
    queue: str
    type: str
    from_status: str
    to_status: str


class TickResult(Row, frozen=True):
    """What one task of a tick did. SQL: forge.tick_result."""

    task: str
    count: int


class LogLine(Row, frozen=True):
    """One line of a job's log. SQL: forge.log_line."""

    id: int
    at: datetime
    attempt: int
    level: str
    message: str
    data: Any


class QueueRow(Row, frozen=True):
    """A queue and its settings; null inherits the default. SQL: forge.queue_row."""

    queue: str
    paused_at: datetime | None
    retry_base: timedelta | None
    retry_factor: float | None
    retry_cap: timedelta | None
    retry_jitter: float | None
    max_retries: int | None
    keep_history: bool
    keep_result: bool
    created_at: datetime
    updated_at: datetime
    pause_reason: str | None


class RetryRule(Row, frozen=True):
    """One retry rule of a type, a queue or for all. SQL: forge.retry_rule_row."""

    scope: str
    name: str | None
    position: int
    rule: str
    error_type: str | None
    error: str | None
    action: str
    retry_base: timedelta | None
    retry_factor: float | None
    retry_cap: timedelta | None
    retry_jitter: float | None
    max_retries: int | None


class ErrorPrint(Row, frozen=True):
    """What an error has in common with others of its kind. SQL: forge.error_print."""

    fingerprint: str
    title: str


class DeadGroup(Row, frozen=True):
    """Dead jobs of one queue and type that died of the same. SQL: forge.dead_group."""

    fingerprint: str
    title: str | None
    queue: str
    type: str
    jobs: int
    first_seen_at: datetime
    last_seen_at: datetime
    sample_id: int | None
    sample_error: str | None


class Revived(Row, frozen=True):
    """A dead job that is PENDING again, and the revival that it belongs to. SQL: forge.revived."""

    id: int
    queue: str
    type: str
    from_status: str
    to_status: str
    revival: int | None


class Revival(Row, frozen=True):
    """Many dead jobs that are brought back bit by bit. SQL: forge.revival_row."""

    id: int
    status: str
    reason: str | None
    filter: dict[str, Any]
    rate: float | None
    max_jobs: int
    canary: int | None
    canary_ids: list[int] | None
    canary_until: datetime | None
    revived: int
    kept: int
    created_by: str
    created_at: datetime
    worked_at: datetime
    finished_at: datetime | None


class Reason(Row, frozen=True):
    """Why a job does not run, or what it does. SQL: forge.reason."""

    code: str
    sentence: str
    detail: dict[str, Any]


class AdmissionRow(Row, frozen=True):
    """How many jobs a queue takes in; no `max_depth`: any number. SQL: forge.admission_row."""

    queue: str
    max_depth: int | None
    on_full: str | None
    defer_for: timedelta | None
    depth: int | None
    sampled_at: datetime | None
    created_at: datetime | None
    updated_at: datetime | None


class PayloadCheckRow(Row, frozen=True):
    """What the payloads of a type must keep to. SQL: forge.payload_check_row."""

    type: str
    schema: Any
    function_name: str | None
    created_at: datetime | None
    updated_at: datetime | None


class Edited(Row, frozen=True):
    """A batch of jobs that were changed, and how far it came. SQL: forge.edited."""

    matched: int
    changed: int
    skipped: int
    last_id: int
    more: bool


class LimitsRow(Row, frozen=True):
    """The limits of a queue; `running` counts against `max_running`. SQL: forge.limits_row."""

    queue: str
    max_running: int | None
    rate: int | None
    per: timedelta | None
    key_max_running: int | None
    key_rate: int | None
    key_per: timedelta | None
    key_fifo: bool
    running: int | None
    created_at: datetime
    updated_at: datetime


class StatsRow(Row, frozen=True):
    """The numbers of one queue. SQL: forge.stats_row."""

    queue: str
    paused: bool
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
    counted_to: int


class WorkerRow(Row, frozen=True):
    """A registered worker. SQL: forge.worker_row."""

    worker: str
    queues: list[str]
    types: list[str] | None
    host: str | None
    pid: int | None
    version: str | None
    concurrency: int
    alive: bool
    started_at: datetime
    heartbeat_at: datetime
    processing: int
    draining_at: datetime | None


class ThroughputRow(Row, frozen=True):
    """What happened in one queue in one span of time. SQL: forge.throughput_row."""

    at: datetime
    queue: str
    enqueued: int | None
    completed: int
    failed: int
    dead: int
    cancelled: int


class LatencyRow(Row, frozen=True):
    """How long jobs waited and ran in one span of time. SQL: forge.latency_row."""

    at: datetime
    queue: str
    jobs: int
    wait_p50: timedelta | None
    wait_p95: timedelta | None
    wait_p99: timedelta | None
    run_p50: timedelta | None
    run_p95: timedelta | None
    run_p99: timedelta | None


class OverviewRow(Row, frozen=True):
    """One item of what a dashboard shows. SQL: forge.overview_row."""

    topic: str
    item: Any


class ScheduleRow(Row, frozen=True):
    """A schedule: what it was set to, and how it stands. SQL: forge.schedule_row."""

    name: str
    cron: str
    time_zone: str
    starts_at: datetime
    type: str
    payload: Any
    queue: str
    priority: int
    max_retries: int | None
    retry_base: timedelta | None
    retry_factor: float | None
    retry_cap: timedelta | None
    retry_jitter: float | None
    tags: list[str] | None
    concurrency_key: str | None
    timeout: timedelta | None
    retry_rules: Any
    catch_up: str
    catch_up_limit: int
    grace: timedelta
    overlap: str
    paused_at: datetime | None
    next_at: datetime | None
    queued_at: datetime | None
    last_at: datetime | None
    last_job_id: int | None
    skipped_at: datetime | None
    skipped_because: str | None
    failures: int
    last_error: str | None
    created_at: datetime
    updated_at: datetime
    last_status: str | None


class AppliedMigration(Row, frozen=True):
    """A migration that the database has had. SQL: forge.migration_row."""

    migration: str
    applied_at: datetime


class ErrorCode(Row, frozen=True):
    """One error code. SQL: forge.error_code."""

    code: str
    name: str
    meaning: str


class Transition(Row, frozen=True):
    """One legal change of status. SQL: forge.transition."""

    from_status: str | None
    to_status: str
    by: str
    meaning: str


class Finding(Row, frozen=True):
    """Something that is wrong, and what to do. SQL: forge.finding."""

    code: str
    severity: str
    sentence: str
    hint: str
    queue: str | None = None
    since: datetime | None = None


def context_of(job: Job) -> JobContext:
    from forge.worker.context import context_of as find  # it knows jobs, too

    return find(job)


class KnownType(Row, frozen=True):
    """A type and its settings; null inherits. SQL: forge.known_type."""

    type: str
    queue: str | None
    retry_base: timedelta | None
    retry_factor: float | None
    retry_cap: timedelta | None
    retry_jitter: float | None
    max_retries: int | None
    timeout: timedelta | None
    schema: Any
    function_name: str | None
    workers: int
    seen_at: datetime | None


class TypeRow(Row, frozen=True):
    """The settings of a type. SQL: forge.type_row."""

    type: str
    retry_base: timedelta | None
    retry_factor: float | None
    retry_cap: timedelta | None
    retry_jitter: float | None
    max_retries: int | None
    timeout: timedelta | None
    created_at: datetime
    updated_at: datetime


class SettingsRow(Row, frozen=True):
    """What holds for all queues and types. SQL: forge.settings_row."""

    retry_base: timedelta
    retry_factor: float
    retry_cap: timedelta
    retry_jitter: float
    max_retries: int
    payload_limit: int
    history_retention: timedelta
    dead_retention: timedelta | None
    log_retention: timedelta
    log_lines: int


class RetentionRow(Row, frozen=True):
    """How long jobs are kept; no `dead`: for ever. SQL: forge.retention_row."""

    history: timedelta
    dead: timedelta | None


class LogLimits(Row, frozen=True):
    """How much of the logs of jobs is kept. SQL: forge.log_limits."""

    retention: timedelta
    lines: int


class SqlHandler(Row, frozen=True):
    """A type whose jobs an SQL function runs. SQL: forge.sql_handler_row."""

    type: str
    function: str
    run_as: str | None
    timeout: timedelta | None
    queue: str | None
    problem: str | None
    created_at: datetime
    updated_at: datetime


class Run(Row, frozen=True):
    """A job that an SQL function ran, and what became of it. SQL: forge.run_row."""

    id: int
    type: str
    status: str
    result: Any
    error_type: str | None
    error: str | None
    scheduled_at: datetime | None
    attempts: int


class TableChange(Row, frozen=True):
    """A table whose changes make jobs. SQL: forge.change_row."""

    name: str
    relation: str
    events: list[str]
    type: str
    each: str
    when_condition: str | None
    key: str | None
    queue: str
    priority: int
    debounce: timedelta | None
    if_changed: list[str] | None
    without: list[str] | None
    options: Any
    on_error: str
    enabled: bool


class Token(Row, frozen=True):
    """A token of the HTTP API, without what would let anybody in. SQL: forge.token_row."""

    id: int
    name: str
    role: str
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None


class NewToken(Row, frozen=True):
    """A token of the HTTP API at its only showing. SQL: forge.new_token."""

    id: int
    token: str
    name: str
    role: str
    created_at: datetime
    expires_at: datetime | None

    def __repr__(self) -> str:
        return f"NewToken(id={self.id}, name={self.name!r}, role={self.role!r})"
