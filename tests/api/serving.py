"""Servers for tests: one in the test's own loop, one as a process of its own."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import msgspec

from forge.api import serve
from forge.settings import Settings

PATIENCE = 20


def listen_url() -> str | None:
    """What the `db` fixture has set, where Forge's connections go through a pooler."""
    return os.environ.get("FORGE_LISTEN_URL")


@asynccontextmanager
async def serving(dsn: str, **settings: Any) -> AsyncIterator[tuple[str, asyncio.Event]]:
    """A server in this loop: its address, and the event that stops it."""
    settings.setdefault("listen_url", listen_url())
    stop = asyncio.Event()
    address: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    task = asyncio.create_task(
        serve(Settings(port=0, **settings), dsn, stop=stop, ready=address.set_result)
    )
    try:
        either: list[asyncio.Future[Any]] = [task, address]
        await asyncio.wait(either, timeout=PATIENCE, return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            await task
        yield address.result(), stop
    finally:
        stop.set()
        async with asyncio.timeout(PATIENCE):
            await task


@contextmanager
def forge_api(dsn: str, *arguments: str, **variables: str) -> Iterator[tuple[str, Any]]:
    """`forge api` as a process: its address, and the process."""
    process = subprocess.Popen(
        [sys.executable, "-m", "forge", "api", "--port", "0", *arguments],
        env={**os.environ, "DATABASE_URL": dsn, **variables},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()  # ends with the process, so it cannot wait for ever
        assert line.startswith("Forge answers on "), line
        yield line.split()[-1], process
    finally:
        process.terminate()
        process.wait(PATIENCE)
        assert process.stdout is not None
        process.stdout.close()


async def events(lines: AsyncIterator[str]) -> AsyncIterator[tuple[str, Any]]:
    """The events of a stream: name and data."""
    name = ""
    async for line in lines:
        if line.startswith("event: "):
            name = line.removeprefix("event: ")
        elif line.startswith("data: "):
            yield name, msgspec.json.decode(line.removeprefix("data: "))
