"""The processes of a run. One that ends by itself is a finding; another takes its place."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from tests.soak.kinds import QUEUES

ROOT = Path(__file__).parents[2]
PATIENCE = 60.0


@dataclass
class Crew:
    dsn: str
    directory: Path
    seed: int
    token: str
    workers: int = 2
    surprises: list[str] = field(default_factory=list)
    _running: dict[str, subprocess.Popen[str]] = field(default_factory=dict)
    _order: str = ""

    def __post_init__(self) -> None:
        self.records = self.directory / "records"
        self.records.mkdir(parents=True)
        with socket.socket() as probe:  # one that stays when the API has to be started anew
            probe.bind(("127.0.0.1", 0))
            self.url = f"http://127.0.0.1:{probe.getsockname()[1]}"
        self._places = ["api", *(f"worker-{number}" for number in range(self.workers)), "load"]

    def start(self) -> None:
        for place in self._places:
            self._start(place)
        deadline = time.monotonic() + PATIENCE
        while not self._answers():
            self.look_after()
            if time.monotonic() > deadline:
                raise TimeoutError(f"the API does not answer; see {self.directory}")
            time.sleep(0.1)

    def tell(self, **order: float) -> None:
        """The load, what it is to do from now on."""
        self._order = json.dumps(order) + "\n"
        self._send()

    def look_after(self) -> None:
        """Start again what has ended."""
        for place, process in list(self._running.items()):
            if process.poll() is not None:
                said = self._log(place).read_text(errors="replace")[-1000:]
                self.surprises.append(f"{place} ended with {process.returncode}: {said}")
                self._start(place)
                if place == "load":
                    self._send()

    def pids(self) -> dict[str, int]:
        return {place: process.pid for place, process in self._running.items()}

    def end_load(self) -> None:
        """No more jobs; what runs goes on."""
        process = self._running.pop("load", None)
        if process is not None:
            _end(process)

    def end(self) -> None:
        self.end_load()
        for process in self._running.values():
            process.terminate()
        for process in self._running.values():
            _end(process)
        self._running.clear()

    def _send(self) -> None:
        pipe = self._running["load"].stdin
        assert pipe is not None
        try:
            pipe.write(self._order)
            pipe.flush()
        except BrokenPipeError:
            return  # it has ended: look_after tells the next one

    def _start(self, place: str) -> None:
        environment: Mapping[str, str] = {
            **os.environ,
            "DATABASE_URL": self.dsn,
            "FORGE_LOG_LEVEL": "error",  # jobs that fail as they were asked to are no news
            "PYTHONUNBUFFERED": "1",
        }
        if place == "api":
            command = ["forge", "api", "--port", self.url.rpartition(":")[2]]
        elif place == "load":
            command = ["tests.soak.load", "--dsn", self.dsn, "--url", self.url]
            command += ["--token", self.token, "--records", str(self.records)]
            command += ["--seed", f"{self.seed}-{len(self.surprises)}"]
        else:
            environment = {**environment, "SOAK_RECORDS": str(self.records)}
            command = ["forge", "worker", "tests.soak.app:forge"]
            for queue, size in QUEUES.items():
                command += ["--queue", f"{queue}={size}"]
        with self._log(place).open("ab") as log:
            self._running[place] = subprocess.Popen(
                [sys.executable, "-m", *command],
                cwd=ROOT,
                env=environment,
                stdin=subprocess.PIPE if place == "load" else subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                text=True,
            )

    def _log(self, place: str) -> Path:
        return self.directory / f"{place}.log"

    def _answers(self) -> bool:
        try:
            return httpx.get(f"{self.url}/health/ready", timeout=5).status_code == 200
        except httpx.HTTPError:
            return False


def _end(process: subprocess.Popen[str]) -> None:
    if process.stdin is not None:
        with suppress(BrokenPipeError):
            process.stdin.close()
    try:
        process.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(PATIENCE)
