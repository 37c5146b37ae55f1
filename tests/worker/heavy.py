"""The Forge of the tests with child processes: handlers that stop, hang, crash and eat memory."""

from __future__ import annotations

import asyncio
import ctypes
import os
import signal
import subprocess
import threading
import time
from pathlib import Path
from typing import Any

from forge import Forge, Job, job_context

forge = Forge()


def _note(job: Job, what: str, text: object = "") -> None:
    note = Path(job.payload["at"]) / f"{what}-{job.id}-{job.attempts}-{os.getpid()}"
    draft = note.with_name(f".{note.name}")
    draft.write_text(str(text))
    draft.rename(note)  # whoever sees it sees all of it


def _open(job: Job) -> bool:
    return (Path(job.payload["at"]) / "open").exists()


@forge.handler("pid", process=True)
def pid(job: Job) -> dict[str, int]:
    """Which process."""
    return {"pid": os.getpid(), "parent": os.getppid()}


@forge.handler("pid_async", process=True)
async def pid_async(job: Job) -> dict[str, int]:
    """As `pid`."""
    await asyncio.sleep(0)
    return pid(job)


@forge.handler("hog", process=True, memory_limit="128MB")
def hog(job: Job) -> int:
    """Takes as many MB as it is told, a little at a time, as what is taken at once is easy."""
    size = int(job.payload["mb"])
    return len([bytearray(2**16) for _ in range(size * 16)])


@forge.handler("hog_hidden", process=True, memory_limit="128MB")
def hog_hidden(job: Job) -> None:
    """Takes too much, and says something else."""
    try:
        bytearray(2**30)
    except MemoryError as error:
        raise ValueError("no picture") from error


@forge.handler("crash", process=True, memory_limit="1GB")
def crash(job: Job) -> None:
    """Ends its process, in the way it is told."""
    how = job.payload["how"]
    if how == "exit":
        os._exit(3)
    elif how == "segfault":
        ctypes.string_at(0)
    os.kill(os.getpid(), signal.SIGKILL)


@forge.handler("fork", process=True)
def fork(job: Job) -> None:
    """Dies while a fork of it still holds the pipe to the worker."""
    if os.fork() == 0:
        time.sleep(60)
        os._exit(0)
    os._exit(4)


@forge.handler("gate_process", process=True)
def gate_process(job: Job) -> str:
    """Waits for the gate, and looks whether it was cancelled."""
    _note(job, "started")
    while not _open(job):
        if job_context().cancelled.wait(0.01):
            raise RuntimeError(f"told: {job_context().reason}")
    return "opened"


@forge.handler("gate_process_async", process=True)
async def gate_process_async(job: Job) -> None:
    """Waits for the gate, and can be cancelled."""
    _note(job, "started")
    try:
        while not _open(job):  # noqa: ASYNC110 - the gate is in another process
            await asyncio.sleep(0.01)
    except asyncio.CancelledError:
        _note(job, "cleaned")
        raise


@forge.handler("deaf_process", process=True)
def deaf_process(job: Job) -> None:
    """Looks at nothing, and has started a program."""
    program = subprocess.Popen(["sleep", "60"])
    _note(job, "started", program.pid)
    while not _open(job):
        time.sleep(0.01)


@forge.handler("talk", process=True)
def talk(job: Job) -> Any:
    """Says something on its way, as it does in a thread."""
    job.progress(0.5, "half")
    job.log("one", data={"n": 1})
    helper = threading.Thread(target=lambda: job.log("two", level="warning"))
    helper.start()
    helper.join()
    return job.payload


@forge.handler("big", process=True)
def big(job: Job) -> str:
    """As long as it is told."""
    return "x" * int(job.payload["size"])


@forge.handler("ledger", process=True)
async def ledger(job: Job) -> None:
    """Completes itself in its own transaction."""
    async with forge.transaction() as conn:
        await conn.execute("insert into ledger values (%s)", [job.id])
        await forge.complete(job, "mine", connection=conn)
