"""What a worker is told when it starts."""

from __future__ import annotations

import os
import secrets
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from forge.errors import InvalidArgument

DEFAULT_CONCURRENCY = 5


def worker_name() -> str:
    """Host, process and four random bytes: a restarted process is another worker."""
    return f"{socket.gethostname()[:100]}:{os.getpid()}:{secrets.token_hex(4)}"


@dataclass(frozen=True, kw_only=True)
class Options:
    """Times are in seconds; `queues` maps a queue's name to its concurrency."""

    queues: Mapping[str, int]
    poll_interval: float = 1.0
    lease: float = 60.0
    grace: float = 30.0
    # Jobs claimed ahead of a free slot: at most this many, and never more than the slots run in
    # a tenth of a second at the pace they show, so that slow jobs stay free for other workers.
    prefetch: int = 3000
    # How long a handler that was told to stop gets before its process is killed or its thread is
    # left behind; and how many may be left behind at once until the worker ends.
    unwind: float = 5.0
    max_abandoned: int = 10
    listen: bool = True
    listen_dsn: str | None = None
    drain: bool = False
    # Jobs whose handler is an SQL function: True also without other handlers, False not at all.
    sql: bool | None = None
    name: str = field(default_factory=worker_name)

    def __post_init__(self) -> None:
        if not self.queues or any(size < 1 for size in self.queues.values()):
            raise InvalidArgument(
                "a worker needs queues, each with a concurrency of 1 or more",
                f"queues={dict(self.queues)}",
            )
        if not (
            self.poll_interval > 0 and self.lease >= 1 and self.grace >= 0 and self.unwind >= 0
        ):
            raise InvalidArgument(
                "a worker's time is out of range",
                f"poll_interval={self.poll_interval} lease={self.lease} grace={self.grace} "
                f"unwind={self.unwind}",
                "poll_interval is above 0, lease at least 1, grace and unwind at least 0 seconds",
            )
        if self.max_abandoned < 1:
            raise InvalidArgument(
                "max_abandoned is out of range",
                f"max_abandoned={self.max_abandoned}",
                "use 1 or more",
            )

    @property
    def lease_interval(self) -> timedelta:
        return timedelta(seconds=self.lease)

    @property
    def concurrency(self) -> int:
        return sum(self.queues.values())
