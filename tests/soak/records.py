"""Lines of JSON that a process writes as it goes, and others read while it does."""

from __future__ import annotations

import json
import os
import threading
from collections import Counter
from pathlib import Path
from typing import Any

EVERY = 1.0


class Record:
    """What has happened since the last line, written every second by a thread of its own."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._seen: Counter[str] = Counter()
        self._waits: Counter[int] = Counter()
        self._troubles: list[str] = []
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._go_on, name="record", daemon=True)
        self._thread.start()

    def seen(self, name: str, times: int = 1) -> None:
        """Something happened that the run is to have in it."""
        with self._lock:
            self._seen[name] += times

    def waited(self, number: int) -> None:
        """A job was picked up after a wait of this bucket."""
        with self._lock:
            self._waits[number] += 1

    def trouble(self, says: str) -> None:
        """Something went wrong; the run goes on."""
        with self._lock:
            self._seen["trouble"] += 1
            if len(self._troubles) < 20:  # a line; the number of all is counted
                self._troubles.append(says[:300])

    def close(self) -> None:
        self._ended.set()
        self._thread.join()

    def _go_on(self) -> None:
        while not self._ended.wait(EVERY):
            self._write()
        self._write()

    def _write(self) -> None:
        with self._lock:
            line = {"seen": self._seen, "waits": self._waits, "troubles": self._troubles}
            self._seen, self._waits, self._troubles = Counter(), Counter(), []
        if any(line.values()):
            with self._path.open("a") as file:
                file.write(json.dumps(line) + "\n")


class Tail:
    """Reads what was added to the files of a directory since the last time."""

    def __init__(self, directory: Path, pattern: str = "*.jsonl") -> None:
        self._directory = directory
        self._pattern = pattern
        self._read: dict[Path, int] = {}

    def lines(self) -> list[dict[str, Any]]:
        """The new ones, without a last one that is only half written."""
        found = []
        for path in sorted(self._directory.glob(self._pattern)):
            with path.open("rb") as file:
                file.seek(self._read.get(path, 0))
                whole, newline, _ = file.read().rpartition(b"\n")
            self._read[path] = self._read.get(path, 0) + len(whole) + len(newline)
            found += [json.loads(line) for line in whole.splitlines()]
        return found


def append(path: Path, line: dict[str, Any]) -> None:
    """Onto the disk at once: what was found until then outlives whatever comes."""
    with path.open("a") as file:
        file.write(json.dumps(line) + "\n")
        file.flush()
        os.fsync(file.fileno())


def read(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]
