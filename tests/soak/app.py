"""The Forge of the soak's workers: handlers that do what their job says, and what they saw."""

from __future__ import annotations

import asyncio
import atexit
import os
import time
from datetime import timedelta
from pathlib import Path

from forge import Forge, Job, PermanentError, RetryLater, Snooze
from tests.soak.records import Record
from tests.soak.waits import bucket

# Their jobs are due at once and nothing holds them back but those of a higher priority, so that the
# wait of all but the lowest is the queue's own.
MEASURED = ("plain", "posted")

forge = Forge()
record: Record | None = None
if directory := os.environ.get("SOAK_RECORDS"):
    record = Record(Path(directory) / f"worker-{os.getpid()}.jsonl")
    atexit.register(record.close)


class Busy(Exception):
    """What a retry rule of the run is for."""


def seen(name: str) -> None:
    if record is not None:
        record.seen(name)


def began(job: Job) -> None:
    first = job.attempts == 1 and job.priority >= 0
    if job.queue in MEASURED and first and record is not None:
        record.waited(bucket(time.time() - job.scheduled_at.timestamp()))
    seen(f"queue {job.queue}")
    if job.attempts > 1:
        seen("retried")
    if job.schedule is not None:
        seen("scheduled")


@forge.handler("soak", queue="plain")
async def soak(job: Job) -> dict[str, int] | None:
    """Nothing but what the payload asks for."""
    began(job)
    match job.payload.get("do"):
        case "talk":
            job.progress(0.5, "half way")
            for number in range(3):
                job.log(f"line {number}", data={"number": number})
            seen("talked")
        case "fail" if job.attempts <= job.payload["times"]:
            raise RuntimeError(f"attempt {job.attempts} fails as it was asked to")
        case "busy" if job.attempts <= 2:
            raise Busy("come back")
        case "later" if job.attempts <= 1:
            raise RetryLater("not yet", timedelta(seconds=0.2))
        case "die":
            raise PermanentError("it cannot be done")
        case "snooze":
            if time.time() - job.created_at.timestamp() < 0.5:
                seen("snoozed")
                raise Snooze(timedelta(seconds=0.6))
        case "sleep":
            try:
                await asyncio.sleep(job.payload["seconds"])
            except asyncio.CancelledError:
                seen("stopped")
                raise
        case "children":
            found = await forge.parents(job.id)
            seen("parents read")
            return {"parents": len(found)}
        case done if done is not None:
            seen(done)
    return None


@forge.handler("strict", queue="strict")
async def strict(job: Job) -> int:
    began(job)
    number: int = job.payload["number"]
    return number


@forge.handler("soak.thread", queue="plain")
def in_a_thread(job: Job) -> int:
    began(job)
    seen("in a thread")
    return job.id


@forge.handler("soak.process", queue="plain", process=True, memory_limit="1GB")
def in_a_process(job: Job) -> int:
    return job.id
