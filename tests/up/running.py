"""A real `forge up` in a process of its own, and what a newcomer does to it."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx

from forge.cluster import Cluster
from forge.owner import Owner

PATIENCE = 45.0  # for what takes a second or two on a machine with nothing else to do


def _hear_hangups() -> None:
    """As from a terminal: under nohup `forge up` would find them ignored, and respect that."""
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


class Running:
    """`forge up` on one home and one port; everything is stopped and gone at the end."""

    def __init__(self, base: Path, *arguments: str) -> None:
        self.home, self.port = base / "home", free_port()
        self._arguments = arguments
        self._log = (base / "log").open("a+")
        self._http = httpx.Client(trust_env=False, timeout=10)

    def start(self, *more: str) -> None:
        """Starts it, and waits until it says where it is."""
        command = [sys.executable, "-m", "forge", "up", "--json", "--port", str(self.port)]
        self.process = subprocess.Popen(
            [*command, *self._arguments, *more],
            env={**os.environ, "FORGE_HOME": str(self.home)},
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
            preexec_fn=_hear_hangups,
        )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, f"forge up ended before it was up: {self.log()}"
        self.facts: dict[str, Any] = json.loads(line)
        self.tree = family(self.process.pid)

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Signals it and waits for the end of it: its exit status."""
        self.tree |= family(self.process.pid)
        self.process.send_signal(number)
        return self._wait()

    def kill(self) -> None:
        self.tree |= family(self.process.pid)
        self.process.kill()
        self._wait()

    def _wait(self) -> int:
        status = self.process.wait(PATIENCE)
        assert self.process.stdout is not None
        self.process.stdout.close()
        return status

    def call(self, method: str, path: str, body: object = None) -> Any:
        answer = self._http.request(method, f"http://127.0.0.1:{self.port}{path}", json=body)
        assert answer.is_success, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json()

    def enqueue(self, type: str, payload: object, **more: object) -> int:
        added: int = self.call("POST", "/jobs", {"type": type, "payload": payload, **more})["id"]
        return added

    def ended(self, job: int) -> dict[str, Any]:
        """The job once it is in a state that it stays in."""
        found: dict[str, Any] = {}

        def is_there() -> bool:
            found.update(self.call("GET", f"/jobs/{job}"))
            return found["status"] in ("COMPLETED", "DEAD", "CANCELLED")

        wait_until(is_there, f"job {job}: {found}")
        return found

    def postmaster(self) -> int | None:
        found = Cluster(Path(), (self.home / "postgres").resolve(), Owner()).postmaster()
        return found.pid if found else None

    def log(self) -> str:
        self._log.seek(0)
        return self._log.read()

    def clean_up(self) -> None:
        process = getattr(self, "process", None)
        if process is not None:
            if process.poll() is None:
                self.kill()
            wait_until(lambda: not alive(self.tree), "processes are left")
        if (server := self.postmaster()) is not None:
            os.kill(server, signal.SIGQUIT)
            wait_until(lambda: self.postmaster() is None, "PostgreSQL is left")
        self._http.close()
        self._log.close()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


def wait_until(condition: Callable[[], bool], what: str, patience: float = PATIENCE) -> None:
    deadline = time.monotonic() + patience
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.02)


def family(pid: int) -> set[int]:
    """The process's children, as the system tells; without /proc nobody does."""
    try:
        listed = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        by_threads = {int(c) for c in listed}
        for task in Path(f"/proc/{pid}/task").iterdir():
            by_threads |= {int(c) for c in (task / "children").read_text().split()}
    except OSError:
        return set()
    return by_threads


def command_of(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except OSError:
        return ""


def alive(pids: set[int]) -> set[int]:
    """Those that still run; one that has ended and is not collected yet has no command line."""
    return {pid for pid in pids if command_of(pid)}
