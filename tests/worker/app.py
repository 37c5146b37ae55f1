"""The Forge that worker processes of these tests run. Handlers act on files in payload["at"]."""

from __future__ import annotations

import asyncio
import os
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
