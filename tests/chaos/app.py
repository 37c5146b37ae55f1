"""The Forge of the chaos run's workers: its handlers do well, fail, hang, leak or exit."""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path

from forge import Forge, Job
from tests.chaos.journal import DONE, Journal
from tests.chaos.wrong_clock import machine_time

forge = Forge()
journal = Journal(
    Path(os.environ["CHAOS_JOURNAL"]),
    f"handlers-{os.getpid()}",
    clock=machine_time,
)


def note(job: Job) -> int:
    return journal.ask("run", {"id": job.id, "lease": str(job.lease)})


@forge.handler("chaos", queue="real")
async def chaos(job: Job) -> str:
    """Does what the job's lot says."""
    run = note(job)
    lot = job.payload["how"]
    if lot > 0.98 and job.attempts == 1:
        os._exit(3)
    if lot > 0.9:
        raise RuntimeError("as its lot says")
    await asyncio.sleep(0.5 if lot > 0.7 else 0.005)
    journal.answer(run, DONE)
    return str(job.lease)


@forge.handler("chaos.block")
def block(job: Job) -> None:
    """Keeps its thread for ever."""
    note(job)
    while True:
        time.sleep(60)


@forge.handler("chaos.hang")
async def hang(job: Job) -> None:
    """Keeps the event loop for ever, and with it the whole worker."""
    note(job)
    while True:
        time.sleep(60)  # noqa: ASYNC251 - that is the point


@forge.handler("chaos.leak", process=True, memory_limit="128MB")
def leak(job: Job) -> None:
    """Takes memory until there is no more."""
    note(job)
    taken = []
    while True:
        taken.append(bytearray(2**20))


@forge.handler("chaos.exit", process=True)
def end(job: Job) -> None:
    """Ends its process."""
    note(job)
    os._exit(3)
