"""One look at the database a second for all viewers together, sooner when a notification hints.

Nothing here counts jobs: `stats` is sampled and bounded in SQL, the lists are short. What changes
seldom has its turn every few seconds, instead of the rest: one statement a second does for all.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

import msgspec
import psycopg

from forge import db
from forge.api import present
from forge.api.database import Database
from forge.api.hints import listen
from forge.api.hub import Publish
from forge.api.problems import as_forge_error, problem_of
from forge.api.schedule_bodies import Sampled, Schedules, streamed
from forge.api.shapes import Brief, BriefJobs, DeadJobs, Queue, Queues, Warnings, Workers
from forge.errors import ForgeError
from forge.models import Finding, OverviewRow, StatsRow, WorkerRow
from forge.sessions import Ear

T = TypeVar("T", bound=msgspec.Struct)

Learn = Callable[[bool], None]

logger = logging.getLogger("forge.api")

INTERVAL_SECONDS = 1.0
# However many notifications come, four looks a second are enough for eyes.
LEAST_SECONDS = 0.25
NEWEST = 25
LIVELY = ["stats", "worker", "queue", "job", "dead"]
CALM = ["warning", "schedule"]
CALM_SECONDS = 5.0
# As many as forge.overview returns.
SCHEDULES = 200


async def _look(database: Database, learn: Learn, publish: Publish, topics: list[str]) -> None:
    async with database.connection() as conn:
        rows = await db.call(conn, "overview", OverviewRow, max_rows=NEWEST, topics=topics)

    def items(topic: str, shape: type[T]) -> list[T]:
        return [msgspec.json.decode(row.item, type=shape) for row in rows if row.topic == topic]

    if topics is CALM:
        publish("warnings", Warnings(items=items("warning", Finding)))
        schedules = [streamed(item) for item in items("schedule", Sampled)]
        more = len(schedules) == SCHEDULES
        publish("schedules", Schedules(items=schedules, next=schedules[-1].name if more else None))
    else:
        learn(any(row.topic == "needs_token" for row in rows))
        workers = items("worker", WorkerRow)
        stats = present.stats(items("stats", StatsRow), workers)
        dead = items("dead", Brief)
        publish("stats", stats)
        publish("workers", Workers(items=workers))
        publish("queues", Queues(items=items("queue", Queue)))
        publish("jobs", BriefJobs(items=items("job", Brief)))
        publish("dead", DeadJobs(dead=stats.totals.dead, capped=stats.totals.capped, items=dead))
    publish("problem", None)


async def sample(database: Database, ear: Ear, learn: Learn, publish: Publish) -> None:
    """Looks and publishes until cancelled; trouble with the database is a picture too.

    `learn` is told whether callers need a token, which then costs no statement of its own.
    """
    hint = asyncio.Event()
    hints = asyncio.create_task(listen(ear, hint))
    clock = asyncio.get_running_loop().time
    calm_at = None  # after the first look, at once: viewers want the whole picture
    try:
        while True:
            topics = LIVELY
            if calm_at is not None and clock() >= calm_at:
                topics, calm_at = CALM, clock() + CALM_SECONDS
            try:
                await _look(database, learn, publish, topics)
            except (ForgeError, psycopg.Error) as error:
                known = as_forge_error(error)
                if known.http_status == 500:
                    logger.error("the event sampler failed", exc_info=error)
                publish("problem", problem_of(known, "/events"))
            if calm_at is None:
                calm_at = clock()
                continue
            await asyncio.sleep(LEAST_SECONDS)
            with suppress(TimeoutError):
                async with asyncio.timeout(INTERVAL_SECONDS - LEAST_SECONDS):
                    await hint.wait()
            hint.clear()
    finally:
        hints.cancel()
        with suppress(asyncio.CancelledError):
            await hints
