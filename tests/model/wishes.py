"""What an enqueue may say of a job, and strategies for it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from hypothesis import strategies as st

QUEUES = ("default", "other")


def seconds(*choices: int | None) -> st.SearchStrategy[timedelta | None]:
    return st.sampled_from([None if one is None else timedelta(seconds=one) for one in choices])


@dataclass(repr=False)
class Wish:
    queue: str = "default"
    priority: int = 0
    delay: timedelta | None = None
    max_retries: int | None = None
    payload: dict[str, Any] = field(default_factory=dict)
    timeout: timedelta | None = None
    policy: str | None = None
    key: str | None = None
    everywhere: bool = False
    on_conflict: str | None = None
    unique_for: timedelta | None = None
    debounce: timedelta | None = None
    debounce_max: timedelta | None = None
    depends_on: list[int] = field(default_factory=list)
    batch: int | None = None

    def __repr__(self) -> str:
        said = [f"{name}={value!r}" for name, value in vars(self).items() if value]
        return f"Wish({', '.join(said)})"

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text(repr(self))

    @property
    def scope(self) -> str:
        return "" if self.everywhere else self.queue

    @property
    def tells_more(self) -> bool:
        """Whether it counts even where its key is taken."""
        return self.on_conflict in ("replace", "merge") or self.debounce is not None

    def due(self, now: datetime) -> datetime:
        return now + (self.debounce or self.delay or timedelta(0))

    def arguments(self, now: datetime) -> dict[str, object]:
        named = {
            "type": "t",
            "payload": json.dumps(self.payload),
            "queue": self.queue,
            "priority": self.priority,
            "scheduled_at": now + self.delay if self.delay is not None else None,
            "max_retries": self.max_retries,
            "timeout": self.timeout,
            "unique_key": self.key,
            "unique_scope": "global" if self.everywhere else None,
            "on_conflict": self.on_conflict,
            "unique_for": self.unique_for,
            "debounce": self.debounce,
            "debounce_max": self.debounce_max,
            "depends_on": self.depends_on or None,
            "on_parent_failure": self.policy,
            "batch": self.batch,
        }
        return {name: value for name, value in named.items() if value is not None}


@st.composite
def wishes(draw: st.DrawFn) -> Wish:
    wish = Wish(
        queue=draw(st.sampled_from(QUEUES)),
        priority=draw(st.integers(-1, 1)),
        delay=draw(seconds(None, None, 0, 90)),
        max_retries=draw(st.sampled_from([0, 1, None])),
        payload=draw(st.sampled_from([{}, {"a": 1}, {"a": 2}, {"b": 3}])),
        timeout=draw(seconds(None, None, 30)),
        policy=draw(st.sampled_from([None, "wait", "run", "cancel", "cancel"])),
    )
    if draw(st.booleans()):
        wish.key = draw(st.sampled_from(["a", "b"]))
        wish.everywhere = draw(st.booleans())
        wish.on_conflict = draw(st.sampled_from([None, "keep", "replace", "merge", "raise"]))
        wish.unique_for = draw(seconds(None, 60, 3600))
        if wish.on_conflict != "raise" and wish.delay is None:
            wish.debounce = draw(seconds(None, 20))
            wish.debounce_max = draw(seconds(None, 45)) if wish.debounce else None
    return wish
