"""The child processes of `forge up`: started, started again when they die, stopped in order."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
import time
from collections.abc import Mapping
from typing import Final

from forge.cli import EXIT_USAGE
from forge.errors import ForgeError

_log = logging.getLogger("forge.up")

FIRST_DELAY: Final = 0.5
SETTLED: Final = 10.0  # seconds after which a child counts as having started well
TRIES: Final = 5  # starts in a row that may fail before everything is stopped
PATIENCE: Final = 40.0  # above a worker's grace period of 30 seconds


class ChildFailed(ForgeError):
    """A part of `forge up` does not stay up."""

    code, name = "JQ105", "child_failed"


class Child:
    """One `forge` command kept running."""

    def __init__(self, name: str, *command: str, env: Mapping[str, str]) -> None:
        self.name = name
        self._command = command
        self._env = {**os.environ, **env}
        self._process: asyncio.subprocess.Process | None = None
        self._stopping = asyncio.Event()
        # The writing end stays open in this process alone; see leash.py.
        self._leash, self._held = os.pipe()

    async def keep(self) -> None:
        """Runs the command until `stop`. Raises `ChildFailed` when it keeps dying."""
        failures = 0
        while not self._stopping.is_set():
            started = time.monotonic()
            self._process = await self._start()
            status = await self._process.wait()
            if self._stopping.is_set():
                return
            failures = 1 if time.monotonic() - started > SETTLED else failures + 1
            if status == EXIT_USAGE or failures >= TRIES:
                raise ChildFailed(
                    f"the {self.name} does not stay up",
                    f"exit status {status}, {failures} times in a row",
                    "its own messages above say why",
                )
            delay = FIRST_DELAY * 2 ** (failures - 1)
            _log.warning("the %s ended (%s); it starts again in %.1f s", self.name, status, delay)
            await asyncio.sleep(delay)

    async def stop(self) -> None:
        """Asks the process to end, and ends it by force when it does not in time."""
        self._stopping.set()
        process = self._process
        if process is not None and process.returncode is None:
            process.send_signal(signal.SIGTERM)
            try:
                await asyncio.wait_for(process.wait(), PATIENCE)
            except TimeoutError:
                _log.warning("the %s does not end; it is killed", self.name)
                process.kill()
                await process.wait()
        os.close(self._held)
        os.close(self._leash)

    async def _start(self) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "forge.up.leash",
            str(self._leash),
            *self._command,
            env=self._env,
            pass_fds=(self._leash,),
            # Ctrl-C reaches the whole group of a terminal; the order of the end is ours to say.
            start_new_session=True,
        )
