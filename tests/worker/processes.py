"""Worker processes, and waiting for what they do."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO, TypeVar

T = TypeVar("T")

ROOT = Path(__file__).parents[2]


def until(what: Callable[[], T], *, seconds: float = 20.0, why: str = "") -> T:
    """The first true value of `what`; fails when there is none in time."""
    deadline = time.monotonic() + seconds
    while not (value := what()):
        assert time.monotonic() < deadline, f"waited {seconds} s for {why or what}; last: {value!r}"
        time.sleep(0.01)
    return value


class WorkerProcess:
    """`forge worker` of an app of these tests with the given options; its log in `log`."""

    def __init__(
        self, dsn: str, log: Path, *options: str, app: str | None = "tests.worker.app:forge"
    ) -> None:
        self.log = log
        self._out: IO[bytes] = log.open("wb")
        command = [sys.executable, "-m", "forge", "worker", *filter(None, [app]), *options]
        environment = {**os.environ, "DATABASE_URL": dsn, "PYTHONUNBUFFERED": "1"}
        self._process = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdout=self._out, stderr=subprocess.STDOUT
        )
        self.pid = self._process.pid

    def send(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def ends(self, seconds: float = 20.0) -> int:
        """Waits for the end; the exit status."""
        return self._process.wait(timeout=seconds)

    def said(self, what: str) -> bool:
        return what in self.log.read_text(errors="replace")

    def kill(self) -> None:
        """Ends it whatever it does, a stopped one too."""
        if self.alive:
            self._process.kill()
            self._process.wait(timeout=10)
        self._out.close()
