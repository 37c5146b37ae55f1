"""The log outside the database: what each client asked, and what it was told.

A line is written before the call and one after it, each by one write to a file opened for
appending, so that a client that is killed between the two leaves a question without an answer.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

# Nobody knows what became of the call: it may have been committed, or not.
UNKNOWN = "unknown"
DONE = "done"
REFUSED = "refused"
UNDONE = "undone"  # the client rolled it back


@dataclass(frozen=True, kw_only=True)
class Call:
    """One call of one client. Times are the machine's, which all processes share."""

    who: str
    name: str
    asked: dict[str, Any]
    sent: float
    answered: float | None = None
    outcome: str = UNKNOWN
    told: Any = None

    @property
    def until(self) -> float:
        """When it was over for sure, as far as the client knows."""
        return self.answered if self.answered is not None else float("inf")


@dataclass
class Journal:
    """One client's file."""

    path: Path
    who: str
    clock: Callable[[], float] = time.time
    _number: int = 0
    _file: int = field(init=False)

    def __post_init__(self) -> None:
        self._file = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)

    def ask(self, name: str, asked: dict[str, Any]) -> int:
        self._number += 1
        self._write({"n": self._number, "name": name, "asked": asked})
        return self._number

    def answer(self, number: int, outcome: str, told: Any = None) -> None:
        self._write({"n": number, "outcome": outcome, "told": told})

    def _write(self, line: dict[str, Any]) -> None:
        text = json.dumps({"who": self.who, "at": self.clock(), **line}, default=str)
        os.write(self._file, text.encode() + b"\n")


def read(paths: Iterable[Path]) -> list[Call]:
    """The calls of all files, by the time they were sent."""
    return sorted((call for path in paths for call in _calls(path)), key=lambda call: call.sent)


def _calls(path: Path) -> Iterator[Call]:
    calls: dict[tuple[str, int], Call] = {}
    for text in path.read_bytes().splitlines(keepends=True):
        if not text.endswith(b"\n"):
            continue  # killed while it wrote its last line
        line = json.loads(text)
        key = (line["who"], line["n"])
        if "name" in line:
            calls[key] = Call(
                who=line["who"], name=line["name"], asked=line["asked"], sent=line["at"]
            )
        else:
            asked = calls[key]
            calls[key] = Call(
                who=asked.who,
                name=asked.name,
                asked=asked.asked,
                sent=asked.sent,
                answered=line["at"],
                outcome=line["outcome"],
                told=line["told"],
            )
    yield from calls.values()
