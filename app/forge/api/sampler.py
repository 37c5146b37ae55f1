"""One look at the database a second for all viewers together, sooner when a notification hints.

Nothing here counts jobs: `stats` is sampled and bounded in SQL, the lists are short.
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
from forge.api.shapes import Brief, BriefJobs, DeadJobs, Queue, Queues
from forge.errors import ForgeError
from forge.models import OverviewRow, StatsRow, WorkerRow

T = TypeVar("T", bound=msgspec.Struct)

Learn = Callable[[bool], None]

logger = logging.getLogger("forge.api")

INTERVAL_SECONDS = 1.0
# However many notifications come, four looks a second are enough for eyes.
LEAST_SECONDS = 0.25
NEWEST = 25


async def _look(database: Database, learn: Learn, publish: Publish) -> None:
    async with database.connection() as conn:
        rows = await db.call(conn, "overview", OverviewRow, max_rows=NEWEST)

    learn(any(row.topic == "needs_token" for row in rows))

    def items(topic: str, shape: type[T]) -> list[T]:
        return [msgspec.json.decode(row.item, type=shape) for row in rows if row.topic == topic]

    stats = present.stats(items("stats", StatsRow), items("worker", WorkerRow))
    publish("stats", stats)
    publish("queues", Queues(items=items("queue", Queue)))
    publish("jobs", BriefJobs(items=items("job", Brief)))
    publish(
        "dead",
        DeadJobs(dead=stats.totals.dead, capped=stats.totals.capped, items=items("dead", Brief)),
    )
    publish("problem", None)


async def sample(database: Database, listen_dsn: str, learn: Learn, publish: Publish) -> None:
    """Looks and publishes until cancelled; trouble with the database is a picture too.

    `learn` is told whether callers need a token, which then costs no statement of its own.
    """
    hint = asyncio.Event()
    hints = asyncio.create_task(listen(listen_dsn, hint))
    try:
        while True:
            try:
                await _look(database, learn, publish)
            except (ForgeError, psycopg.Error) as error:
                known = as_forge_error(error)
                if known.http_status == 500:
                    logger.error("the event sampler failed", exc_info=error)
                publish("problem", problem_of(known, "/events"))
            await asyncio.sleep(LEAST_SECONDS)
            with suppress(TimeoutError):
                async with asyncio.timeout(INTERVAL_SECONDS - LEAST_SECONDS):
                    await hint.wait()
            hint.clear()
    finally:
        hints.cancel()
        with suppress(asyncio.CancelledError):
            await hints
