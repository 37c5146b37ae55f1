"""What `forge up` was asked to run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from forge.settings import Settings


@dataclass(frozen=True, kw_only=True)
class Plan:
    """`queues`: name to concurrency in each worker; `rate`: of the demo's jobs, a second."""

    settings: Settings
    queues: Mapping[str, int]
    workers: int
    grace: float
    demo: bool
    rate: float

    @property
    def worker_command(self) -> list[str]:
        asked = [w for queue, size in self.queues.items() for w in ("--queue", f"{queue}={size}")]
        return ["worker", "--builtin", "--grace", f"{self.grace:g}", *asked]
