"""The processes under `forge up`: started, started again when they die, and ended in time."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Final

from forge.cli import EXIT_USAGE
from forge.errors import ForgeError

_log = logging.getLogger("forge.up")

FIRST_PAUSE: Final = 0.5  # seconds before the first restart; doubled with each in a row
SETTLED: Final = 10.0  # who lived that long has started well: the pauses begin anew
TRIES: Final = 5  # starts in a row that ended sooner, after which everything is stopped


class ChildFailed(ForgeError):
    """A part of `forge up` does not stay up."""

    code, name = "JQ105", "child_failed"


class Child:
    """One process, kept running by `keep` until `stop`."""

    def __init__(
        self, name: str, command: list[str], environment: Mapping[str, str], fds: tuple[int, ...]
    ) -> None:
        """`command` is what `forge.up.child` takes; the first of `fds` is the lifeline."""
        self.name = name
        self._command = [sys.executable, "-m", "forge.up.child", str(fds[0]), *command]
        self._environment = {**os.environ, **environment}
        self._fds = fds
        self._process: asyncio.subprocess.Process | None = None
        self._stopping = asyncio.Event()

    async def keep(self) -> None:
        """Runs the process until `stop`. Raises `ChildFailed` when it keeps dying."""
        tries = 0
        while not self._stopping.is_set():
            started = time.monotonic()
            self._process = await self._spawn()
            status = await self._process.wait()
            if self._stopping.is_set():
                return
            tries = 1 if time.monotonic() - started > SETTLED else tries + 1
            # A setting that is wrong now is wrong the next time, too.
            if tries == TRIES or status == EXIT_USAGE:
                raise ChildFailed(
                    f"the {self.name} does not stay up",
                    f"{_said(status)}, start {tries} in a row",
                    "its own messages above say why",
                )
            pause = FIRST_PAUSE * 2 ** (tries - 1)
            _log.error(
                "the %s ended (%s); it starts again in %g s", self.name, _said(status), pause
            )
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), pause)

    async def _spawn(self) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            *self._command,
            env=self._environment,
            pass_fds=self._fds,
            stdin=asyncio.subprocess.DEVNULL,
            # Ctrl-C in a terminal goes to a whole process group; who stops when is ours to say.
            process_group=0,
        )

    def ask(self) -> None:
        """Asks the process to end; a second time: at once."""
        self._stopping.set()
        if self._process is not None and self._process.returncode is None:
            with suppress(ProcessLookupError):
                self._process.terminate()

    async def stop(self, patience: float) -> None:
        """Ends the process: asks, unless it was, and kills it when it has not heeded in time."""
        if not self._stopping.is_set():
            self.ask()
        if self._process is None:
            return
        try:
            await asyncio.wait_for(self._process.wait(), patience)
        except TimeoutError:
            _log.error("the %s does not end; it is killed", self.name)
            with suppress(ProcessLookupError):
                self._process.kill()
            await self._process.wait()


def _said(status: int) -> str:
    return f"exit status {status}" if status >= 0 else signal.Signals(-status).name
