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
# Functions that enqueue among other things; open_batch apart, which the list names.
MAKERS = ("tick", "run_schedule", "enqueue_batch")


@dataclass(frozen=True, kw_only=True)
class Move:
    """A row of witness.moves."""

    n: int
    at: datetime
    xid: str
    id: int
    place: str = "jobs"
    edit: bool = False
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
    schedule: str | None = None
    nominal_at: datetime | None = None

    @property
    def rule(self) -> str | None:
        """The function by the name that forge.transitions() knows it by."""
        if self.by == "exchange":
            return "dequeue" if self.came == "PROCESSING" else "complete"
        if self.by in MAKERS and self.gone is None:
            return "enqueue"
        return SAME.get(self.by, self.by) if self.by else None


def fold(moves: Iterable[Move]) -> list[Move]:
    """What each transaction made of each job, as one move a step."""
    return list(_births(_joined(sorted(moves, key=lambda move: move.n))))


def _joined(moves: Iterable[Move]) -> list[Move]:
    """A row that left one table and came to another in the same transaction is one move."""
    folded: list[Move] = []
    halves: dict[tuple[str, int], int] = {}
    for move in moves:
        key = (move.xid, move.id)
        if move.gone is not None and move.came is not None:
            folded.append(move)
            continue
        place = halves.get(key)
        other = None if place is None else folded[place]
        if (
            other is not None
            and (other.gone is None) != (move.gone is None)
            and other.place != move.place
        ):
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


def _births(moves: Iterable[Move]) -> Iterable[Move]:
    """The call that makes a job may change or remove it again: only what it leaves is seen."""
    born: dict[tuple[str, int], Move | None] = {}
    others: list[Move] = []
    for move in moves:
        key = (move.xid, move.id)
        birth = born.get(key)
        if move.gone is None:
            born[key] = move
        elif birth is not None and birth.by == move.by:
            left = replace(move, gone=None, edit=False)
            born[key] = left if move.came is not None else None
        else:
            others.append(move)
    return sorted([*filter(None, born.values()), *others], key=lambda move: move.n)
