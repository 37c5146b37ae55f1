"""How a worker's jobs end with it: they finish, or they are given back."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection
from typing import Final

from forge.worker.context import RELEASED
from forge.worker.crew import Crew
from forge.worker.execute import outcome_of
from forge.worker.lane import Lane
from forge.worker.log import say

UNWIND: Final = 1.0  # seconds that a cancelled handler has to clean up


async def settle(crew: Crew, lanes: Collection[Lane], hurry: asyncio.Event) -> None:
    """Claims no more, waits for what runs, and gives back what does not end in time."""
    for lane in lanes:
        lane.close_claims()
    number = sum(lane.slots.running for lane in lanes)
    say(logging.INFO, "worker.stops", running=number, grace=crew.options.grace)
    quiet, hurrying = asyncio.create_task(_quiet(lanes)), asyncio.create_task(hurry.wait())
    try:
        await asyncio.wait(
            {quiet, hurrying}, timeout=crew.options.grace, return_when=asyncio.FIRST_COMPLETED
        )
        if not quiet.done():
            await _give_back(crew, quiet)
    finally:
        quiet.cancel()
        hurrying.cancel()


async def _quiet(lanes: Collection[Lane]) -> None:
    for lane in lanes:
        await lane.slots.quiet.wait()


async def _give_back(crew: Crew, quiet: asyncio.Task[None]) -> None:
    """Cancels what still runs, and releases what does not heed it."""
    for context in crew.held.snapshot():
        if not context.finished:
            say(logging.WARNING, "job.overdue", id=context.job.id, type=context.job.type)
            context.stop(RELEASED)
    await asyncio.wait({quiet}, timeout=UNWIND)
    for context in crew.held.snapshot():
        if not context.finished:
            outcome = outcome_of(context, asyncio.CancelledError())
            if outcome is not None:
                crew.outbox.put(outcome)
