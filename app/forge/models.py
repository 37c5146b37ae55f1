"""The rows that Forge's functions return. One struct per row type: row, response body and schema.

Fields have the names and meanings of the SQL columns (`\\d+ forge.*` tells them at length).
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from msgspec import Struct


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
    created_at: datetime
    updated_at: datetime


class Reason(Row, frozen=True):
    """Why a job does not run, or what it does. SQL: forge.reason."""

    code: str
    sentence: str
    detail: dict[str, Any]


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


class ThroughputRow(Row, frozen=True):
    """What happened in one queue in one span of time. SQL: forge.throughput_row."""

    at: datetime
    queue: str
    enqueued: int
    completed: int
    failed: int
    dead: int
    cancelled: int


class OverviewRow(Row, frozen=True):
    """One item of what a dashboard shows. SQL: forge.overview_row."""

    topic: str
    item: Any


class ErrorCode(Row, frozen=True):
    """One error code. SQL: forge.error_code."""

    code: str
    name: str
    meaning: str


class Transition(Row, frozen=True):
    """One legal change of status. SQL: forge.transition."""

    from_status: str
    to_status: str
    by: str
    meaning: str


class Finding(Row, frozen=True):
    """Something that is wrong, and what to do. SQL: forge.finding."""

    code: str
    severity: str
    sentence: str
    hint: str
