"""The system: its numbers, its health, and who is asking."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from litestar import Request, get
from litestar.di import NamedDependency

from forge import db
from forge.api import present, shapes
from forge.api.access import Access, Right
from forge.api.database import Database
from forge.api.documented import problems
from forge.api.keeper import Keeper
from forge.api.parameters import BucketSeconds, ByQueue, NameFilter, SinceSeconds, or_absent
from forge.models import Finding, LatencyRow, StatsRow, ThroughputRow, WorkerRow


@get("/stats", opt={"right": Right.READ}, responses=problems())
async def stats(database: NamedDependency[Database]) -> shapes.Stats:
    """Count jobs and workers, in all and by queue."""
    async with database.connection() as conn:
        rows = await db.call(conn, "stats", StatsRow)
        workers = await db.call(conn, "list_workers", WorkerRow)
    return present.stats(rows, workers)


@get("/stats/history", opt={"right": Right.READ}, responses=problems())
async def stats_history(
    database: NamedDependency[Database],
    queue: NameFilter = None,
    since_seconds: SinceSeconds = 300,
    bucket_seconds: BucketSeconds = 10,
    by_queue: ByQueue = False,
) -> shapes.History:
    """What happened lately, in buckets of time."""
    async with database.connection() as conn:
        rows = await db.call(
            conn,
            "throughput",
            ThroughputRow,
            queue=or_absent(queue),
            since=timedelta(seconds=since_seconds),
            bucket=timedelta(seconds=bucket_seconds),
            by_queue=by_queue,
        )
    return shapes.History(items=rows, since_seconds=since_seconds, bucket_seconds=bucket_seconds)


@get("/stats/latency", opt={"right": Right.READ}, responses=problems())
async def stats_latency(
    database: NamedDependency[Database],
    queue: NameFilter = None,
    since_seconds: SinceSeconds = 300,
    bucket_seconds: BucketSeconds = 10,
    by_queue: ByQueue = False,
) -> shapes.Latencies:
    """How long completed jobs waited and ran lately, in buckets of time.

    A bucket as long as `since_seconds` or longer gives one row for all of it. With `by_queue`,
    up to an hour.
    """
    async with database.connection() as conn:
        rows = await db.call(
            conn,
            "latency",
            LatencyRow,
            queue=or_absent(queue),
            since=timedelta(seconds=since_seconds),
            bucket=timedelta(seconds=bucket_seconds),
            by_queue=by_queue,
        )
    return shapes.Latencies(
        items=[present.latency(row) for row in rows],
        since_seconds=since_seconds,
        bucket_seconds=bucket_seconds,
    )


@get("/warnings", opt={"right": Right.READ}, responses=problems())
async def list_warnings(database: NamedDependency[Database]) -> shapes.Warnings:
    """List what an operator should read now."""
    async with database.connection() as conn:
        return shapes.Warnings(items=await db.call(conn, "warnings", Finding))


@get("/session", opt={"right": Right.SESSION}, responses=problems())
async def session(
    request: Request[Any, Any, Any],
    access: NamedDependency[Access],
    keeper: NamedDependency[Keeper],
) -> shapes.Session:
    """Who the caller is, and what it may do."""
    return shapes.Session(
        role=access.role,
        rights=sorted(access.rights),
        name=access.name,
        tokens=await keeper.needs_token(),
        version=request.app.state.version,
    )


@get("/health/live", opt={"right": None})
async def live() -> shapes.Health:
    """The process answers."""
    return shapes.Health(status="ok")


@get("/health/ready", opt={"right": None}, responses=problems())
async def ready(database: NamedDependency[Database]) -> shapes.Health:
    """The database answers, and Forge is installed in it."""
    async with database.connection() as conn:
        version = await db.call_value(conn, "version")
    return shapes.Health(status="ok", version=version)
