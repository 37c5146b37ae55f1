"""The Forge that worker processes of these tests run. Handlers act on files in payload["at"]."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from pathlib import Path
from typing import Any

from forge import Forge, Job, job_context

forge = Forge()


def _note(job: Job, what: str) -> None:
    (Path(job.payload["at"]) / f"{what}-{job.id}-{job.attempts}-{os.getpid()}").touch()


def _open(job: Job) -> bool:
    return (Path(job.payload["at"]) / "open").exists()


def _result(job: Job) -> dict[str, Any]:
    return {"pid": os.getpid(), "attempt": job.attempts}


@forge.handler("noop")
async def noop(job: Job) -> None:
    """Nothing."""


@forge.handler("gate")
async def gate(job: Job) -> dict[str, Any]:
    """Waits, politely, until the gate opens."""
    _note(job, "started")
    while not _open(job):  # noqa: ASYNC110 - the gate is in another process
        await asyncio.sleep(0.01)
    return _result(job)


@forge.handler("gate_thread")
def gate_thread(job: Job) -> dict[str, Any]:
    """As `gate`, in a thread that looks whether it was cancelled."""
    _note(job, "started")
    while not _open(job):
        if job_context().cancelled.wait(0.01):
            raise RuntimeError("cancelled")
    return _result(job)


@forge.handler("blocking")
async def blocking(job: Job) -> dict[str, Any]:
    """As `gate`, but it blocks the event loop all the time."""
    _note(job, "started")
    while not _open(job):
        time.sleep(0.01)  # noqa: ASYNC251 - the point of it
    return _result(job)


@forge.handler("deaf")
async def deaf(job: Job) -> dict[str, Any]:
    """As `gate`, but it does not heed its cancellation."""
    _note(job, "started")
    while not _open(job):
        try:
            await asyncio.sleep(0.01)
        except asyncio.CancelledError:
            _note(job, "ignored")
    return _result(job)


@forge.handler("deaf_thread")
def deaf_thread(job: Job) -> dict[str, Any]:
    """As `gate`, in a thread that looks at nothing."""
    _note(job, "started")
    while not _open(job):
        time.sleep(0.01)
    return _result(job)


@forge.handler("late")
async def late(job: Job) -> str:
    """Is told to stop, and comes to its end all the same."""
    try:
        await asyncio.sleep(60)
    except asyncio.CancelledError:
        _note(job, "told")
    return "just in time"


@forge.handler("talk_thread")
def talk_thread(job: Job) -> None:
    """Says something from its thread and from one that it starts, then waits at the gate."""
    job.progress(0.25, "started")
    job.log("from the thread", data={"n": 1})
    helper = threading.Thread(target=lambda: job.log("from a helper", level="debug"))
    helper.start()
    helper.join()
    _note(job, "started")
    while not _open(job):
        time.sleep(0.01)
    job.progress(1.0)
    job.log("last word", level="error")


@forge.handler("ledger")
async def ledger(job: Job) -> None:
    """Writes and completes itself in one transaction, and waits for its end at the step named."""
    stops_at = job.payload["stops_at"] if job.attempts == 1 else None

    async def step(name: str) -> None:
        if name == stops_at:
            _note(job, "started")
            await asyncio.sleep(60)

    await step("before the write")
    async with forge.transaction() as conn:
        await conn.execute("insert into ledger values (%s)", [job.id])
        await step("after the write")
        await forge.complete(job, {"attempt": job.attempts}, connection=conn)
        await step("after complete")
    await step("after the commit")
