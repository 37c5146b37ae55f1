"""Processes of the subjects: each is given one task as JSON and answers in lines of JSON."""

from __future__ import annotations

import json
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, Self

ROOT = Path(__file__).parents[2]
PATIENCE = 60.0  # for a start, or for an end that was asked for

Task = dict[str, Any]


class ChildFailed(Exception):
    """It ended without an answer."""


def ask(command: Sequence[str], task: Task, timeout: float = 900) -> Any:
    """Run a task to its end: what its last line says."""
    done = subprocess.run(
        [*command, json.dumps(task)],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=timeout,
    )
    lines = done.stdout.splitlines()
    if done.returncode or not lines:
        raise ChildFailed(f"{task['task']} of {command[-1]}: {done.stderr.strip()[-2000:]}")
    return json.loads(lines[-1])


class Child:
    """A task that goes on until its standard input is closed, so that none outlives the bench."""

    def __init__(self, command: Sequence[str], task: Task) -> None:
        self._name = f"{task['task']} of {command[-1]}"
        self._errors: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed by close()
        self._process = subprocess.Popen(
            [*command, json.dumps(task)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
        )
        self.pid = self._process.pid
        self.said: Task = {}  # all that its lines said, the newest value of each key
        self._reader = threading.Thread(target=self._read, name=self._name)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self.said = {**self.said, **json.loads(line)}

    def tell(self, line: str) -> None:
        """One line to its standard input."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{line}\n")
        self._process.stdin.flush()

    def wait_for(self, key: str, timeout: float = PATIENCE) -> Any:
        """What it says under that key, as soon as it does."""
        until(lambda: key in self.said, timeout, self._complain)
        return self.said[key]

    def check(self) -> None:
        """Raise if it has ended."""
        if self._process.poll() is not None:
            self._complain()

    def _complain(self) -> None:
        self._errors.seek(0)
        error = self._errors.read().decode(errors="replace").strip()[-2000:]
        raise ChildFailed(f"{self._name}: {error or 'no answer in time'}")

    def kill(self) -> None:
        """Without a chance to clean up."""
        self._process.kill()
        self._process.wait(PATIENCE)

    def close(self) -> None:
        """Let it end; what does not is killed."""
        assert self._process.stdin is not None
        with suppress(BrokenPipeError):
            self._process.stdin.close()
        try:
            self._process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.kill()
        self._reader.join()
        assert self._process.stdout is not None
        self._process.stdout.close()
        self._errors.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


def until(
    holds: Callable[[], bool], timeout: float, complain: Callable[[], object], pause: float = 0.005
) -> None:
    """Wait until it holds."""
    deadline = time.monotonic() + timeout
    while not holds():
        if time.monotonic() > deadline:
            complain()
            raise TimeoutError
        time.sleep(pause)
