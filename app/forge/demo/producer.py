"""Enqueues the demo's jobs: a first handful at once, then gently, then a trickle."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

from forge.client import Forge
from forge.errors import DatabaseUnavailable

_log = logging.getLogger(__name__)

AT_ONCE = 40  # so that there is something to see in the first seconds
TRICKLE = 1.0  # jobs a second once the limit is reached


async def produce(
    forge: Forge,
    jobs: Iterator[Mapping[str, Any]],
    stop: asyncio.Event,
    *,
    rate: float = 4.0,
    limit: int = 2000,
) -> int:
    """Enqueues `rate` jobs a second, and from the `limit`-th on one, until `stop`. How many."""
    batch = list(islice(jobs, min(AT_ONCE, limit)))
    done = 0
    while batch and not stop.is_set():
        try:
            await forge.enqueue_many(batch)
            done += len(batch)
            batch = []
        except DatabaseUnavailable as error:
            _log.warning("the demo waits for the database: %s", error)
        pace = rate if done < limit else TRICKLE
        # At most one call a second up to that many jobs; a slow pace makes longer pauses.
        size = max(1, round(pace))
        try:
            await asyncio.wait_for(stop.wait(), size / pace)
        except TimeoutError:
            room = size if done >= limit else min(size, limit - done)
            batch = batch or list(islice(jobs, room))
    return done
