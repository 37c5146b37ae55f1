"""What the database saw of its jobs: moves from one status to another, each made by a function."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

# Functions that do what another one is named for in forge.transitions().
SAME = {
    "complete_many": "complete",
    "enqueue_many": "enqueue",
    "retry_dead": "retry",
    "retry_jobs": "retry",
    "cancel_jobs": "cancel",
    "discard_dead": "discard",
}


@dataclass(frozen=True, kw_only=True)
class Move:
    """A row of witness.moves."""

    n: int
    at: datetime
    xid: str
    id: int
    gone: str | None
    came: str | None
    by: str | None
    lease: str | None = None
    lease_expires_at: datetime | None = None
    worker: str | None = None
    queue: str = "default"
    key: str | None = None
    priority: int = 0
    attempts: int = 0
    max_retries: int | None = None
    scheduled_at: datetime
    attempted_at: datetime | None = None
    unique_key: str | None = None
    unique_scope: str | None = None
    revivals: int = 0
    asked: bool = False
    error_type: str | None = None
    nonce: str | None = None

    @property
    def rule(self) -> str | None:
        """The function by the name that forge.transitions() knows it by."""
        if self.by == "exchange":
            return "dequeue" if self.came == "PROCESSING" else "complete"
        return SAME.get(self.by, self.by) if self.by else None


def fold(moves: Iterable[Move]) -> list[Move]:
    """A row that left one table and came to another in the same transaction is one move."""
    folded: list[Move] = []
    halves: dict[tuple[str, int], int] = {}
    for move in sorted(moves, key=lambda move: move.n):
        key = (move.xid, move.id)
        if move.gone is not None and move.came is not None:
            folded.append(move)
            continue
        place = halves.get(key)
        other = None if place is None else folded[place]
        if other is not None and (other.gone is None) != (move.gone is None):
            left, arrived = (other, move) if other.gone is not None else (move, other)
            # What the live row said, but for what the move itself changed.
            live = left if left.lease_expires_at is not None else arrived
            folded[halves.pop(key)] = replace(
                live,
                n=other.n,
                gone=left.gone,
                came=arrived.came,
                attempts=arrived.attempts,
                error_type=arrived.error_type,
                revivals=arrived.revivals,
            )
        else:
            halves[key] = len(folded)
            folded.append(move)
    return folded
