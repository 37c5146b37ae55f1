"""Rows as answers: durations as seconds, documents left out of lists or redacted."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any, TypeVar

import msgspec
from msgspec import Raw, structs

from forge.api.access import Access
from forge.api.redact import redact
from forge.api.shapes import (
    Admission,
    Brief,
    ConditionItem,
    Conditions,
    Counts,
    Job,
    Jobs,
    KnownType,
    KnownTypes,
    Latency,
    Limits,
    Log,
    Parents,
    Queue,
    QueueCounts,
    QueuePage,
    RetryRuleShape,
    Settings,
    Stats,
    WorkerCounts,
    WorkerPage,
)
from forge.models import (
    AdmissionRow,
    Condition,
    FoundPage,
    JobView,
    LatencyRow,
    LimitsRow,
    LogLine,
    OverviewRow,
    Parent,
    QueueRow,
    RetryRule,
    SettingsRow,
    StatsRow,
    WorkerRow,
)
from forge.models import KnownType as TypeView

T = TypeVar("T")

# A page of 500 jobs with payloads of 1 MiB would be half a gigabyte; this keeps it below 25 MB.
LISTED_BYTES = 16 * 1024
_LEFT_OUT: dict[str, Any] = {"payload": None, "result": None, "errors": []}


def _size(document: Any) -> int:
    return len(bytes(document)) if isinstance(document, Raw) else 0


def job(row: JobView, access: Access) -> Job:
    """A job in full."""
    fields = structs.asdict(row) | {"timeout": _seconds(row.timeout)}
    if not access.sees_secrets:
        for name in ("payload", "result"):
            if isinstance(fields[name], Raw):
                fields[name] = redact(fields[name])
    return Job(**fields)


def _listed(row: JobView, access: Access) -> Job:
    omitted = [name for name in _LEFT_OUT if _size(getattr(row, name)) > LISTED_BYTES]
    light = structs.replace(row, **{name: _LEFT_OUT[name] for name in omitted})
    return structs.replace(job(light, access), omitted=omitted)


def page(rows: list[JobView], found: FoundPage, access: Access) -> Jobs:
    """A page, and where the search goes on."""
    return Jobs(
        items=[_listed(row, access) for row in rows],
        next=found.next,
        searched_to=found.searched_to,
    )


def log(lines: list[LogLine], after: int, access: Access) -> Log:
    """Lines of a log, and where to go on."""
    if not access.sees_secrets:
        lines = [
            structs.replace(line, data=redact(line.data)) if isinstance(line.data, Raw) else line
            for line in lines
        ]
    return Log(items=lines, next=lines[-1].id if lines else after)


def _seconds(value: timedelta | None) -> float | None:
    return None if value is None else value.total_seconds()


def queue(row: QueueRow) -> Queue:
    return Queue(
        queue=row.queue,
        paused=row.paused_at is not None,
        paused_at=row.paused_at,
        pause_reason=row.pause_reason,
        retry_base_seconds=_seconds(row.retry_base),
        retry_factor=row.retry_factor,
        retry_cap_seconds=_seconds(row.retry_cap),
        retry_jitter=row.retry_jitter,
        max_retries=row.max_retries,
        keep_history=row.keep_history,
        keep_result=row.keep_result,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


def queue_page(rows: Iterable[OverviewRow]) -> QueuePage:
    """The page of one queue, whose rows are JSON already."""
    by_topic: dict[str, list[Any]] = {}
    for row in rows:
        by_topic.setdefault(row.topic, []).append(row.item)

    def one(topic: str, shape: type[T]) -> T | None:
        found = by_topic.get(topic)
        return msgspec.json.decode(found[0], type=shape) if found else None

    return QueuePage(
        queue=one("queue", Queue),
        stats=one("stats", QueueCounts),
        limits=one("limits", Limits),
        admission=one("admission", Admission),
        workers=[msgspec.json.decode(item, type=WorkerRow) for item in by_topic.get("worker", [])],
    )


def worker(row: WorkerRow, jobs: Iterable[JobView]) -> WorkerPage:
    return WorkerPage(**structs.asdict(row), jobs=[_brief(job) for job in jobs])


def _brief(row: JobView) -> Brief:
    last = row.errors[-1].get("error") if isinstance(row.errors, list) and row.errors else None
    fields = {name: getattr(row, name) for name in Brief.__struct_fields__ if name != "error"}
    return Brief(**fields, error=last and str(last)[:300])


def types(rows: list[TypeView], limit: int) -> KnownTypes:
    return KnownTypes(
        items=[known_type(row) for row in rows],
        next=rows[-1].type if len(rows) == limit else None,
    )


def known_type(row: TypeView) -> KnownType:
    return KnownType(
        type=row.type,
        queue=row.queue,
        retry_base_seconds=_seconds(row.retry_base),
        retry_factor=row.retry_factor,
        retry_cap_seconds=_seconds(row.retry_cap),
        retry_jitter=row.retry_jitter,
        max_retries=row.max_retries,
        timeout_seconds=_seconds(row.timeout),
        schema=row.schema,
        function_name=row.function_name,
        workers=row.workers,
        seen_at=row.seen_at,
    )


def settings(row: SettingsRow) -> Settings:
    return Settings(
        retry_base_seconds=row.retry_base.total_seconds(),
        retry_factor=row.retry_factor,
        retry_cap_seconds=row.retry_cap.total_seconds(),
        retry_jitter=row.retry_jitter,
        max_retries=row.max_retries,
        payload_limit=row.payload_limit,
        history_retention_seconds=row.history_retention.total_seconds(),
        dead_retention_seconds=_seconds(row.dead_retention),
        log_retention_seconds=row.log_retention.total_seconds(),
        log_lines=row.log_lines,
    )


def retry_rule(row: RetryRule) -> RetryRuleShape:
    return RetryRuleShape(
        scope=row.scope,
        name=row.name,
        position=row.position,
        rule=row.rule,
        error_type=row.error_type,
        error=row.error,
        action=row.action,
        retry_base_seconds=_seconds(row.retry_base),
        retry_factor=row.retry_factor,
        retry_cap_seconds=_seconds(row.retry_cap),
        retry_jitter=row.retry_jitter,
        max_retries=row.max_retries,
    )


def admission(row: AdmissionRow) -> Admission:
    fields = structs.asdict(row)
    return Admission(defer_for_seconds=_seconds(fields.pop("defer_for")), **fields)


def limits(row: LimitsRow) -> Limits:
    durations = {"per": _seconds(row.per), "key_per": _seconds(row.key_per)}
    return Limits(**structs.asdict(row) | durations)


def parents(rows: list[Parent], limit: int, access: Access) -> Parents:
    """A page of parents; a full one may have a successor."""
    return Parents(items=[_parent(row, access) for row in rows], next=_next(rows, limit))


def _parent(row: Parent, access: Access) -> Parent:
    if access.sees_secrets or not isinstance(row.result, Raw):
        return row
    return structs.replace(row, result=redact(row.result))


def conditions(rows: list[Condition], limit: int) -> Conditions:
    """A page of conditions."""
    items = [
        ConditionItem(
            **structs.asdict(row) | {"every": _seconds(row.every), "took": _seconds(row.took)}
        )
        for row in rows
    ]
    return Conditions(items=items, next=_next(rows, limit))


def _next(rows: Sequence[Parent | Condition], limit: int) -> int | None:
    return rows[-1].id if len(rows) == limit else None


def latency(row: LatencyRow) -> Latency:
    fields = structs.asdict(row)
    durations = {
        name: _seconds(value) for name, value in fields.items() if isinstance(value, timedelta)
    }
    return Latency(**fields | durations)


_SUMMED = (
    "waiting",
    "scheduled",
    "ready",
    "processing",
    "dead",
    "completed",
    "cancelled",
    "failed",
)


def stats(rows: Iterable[StatsRow], workers: Iterable[WorkerRow]) -> Stats:
    queues = [QueueCounts(**structs.asdict(row)) for row in rows]
    found = list(workers)
    oldest = [row.oldest_ready_at for row in queues if row.oldest_ready_at is not None]
    return Stats(
        totals=Counts(
            **{name: sum(getattr(row, name) for row in queues) for name in _SUMMED},
            oldest_ready_at=min(oldest, default=None),
            capped=any(row.capped for row in queues),
        ),
        queues=queues,
        workers=WorkerCounts(
            alive=sum(worker.alive for worker in found),
            registered=len(found),
            processing=sum(worker.processing for worker in found),
        ),
    )
