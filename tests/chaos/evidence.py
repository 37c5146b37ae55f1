"""What the checker looks at: what clients say, what the database saw, what lies there now."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import cached_property
from typing import Any

from tests.chaos.journal import DONE, REFUSED, UNDONE, Call
from tests.chaos.moves import Move, fold


@dataclass(frozen=True, kw_only=True)
class Lies:
    """Where one job lies at the end."""

    id: int
    table: str
    status: str
    nonce: str | None = None
    lease: str | None = None
    result: Any = None


@dataclass(frozen=True, kw_only=True)
class Rules:
    """What the run had set up."""

    max_retries: int
    max_running: dict[str, int] = field(default_factory=dict)
    rates: dict[str, tuple[int, timedelta]] = field(default_factory=dict)
    key_max_running: dict[str, int] = field(default_factory=dict)
    in_order: frozenset[str] = frozenset()  # queues whose keys are first in, first out
    by_priority: frozenset[str] = frozenset()  # queues that only clients with a journal claim from
    registered: frozenset[str] = frozenset()  # prefixes of workers that hold a liveness lock
    schedules: dict[str, timedelta] = field(default_factory=dict)  # that catch up, and how often
    no_overlap: frozenset[str] = frozenset()  # schedules whose runs wait for each other


@dataclass(frozen=True)
class Parents:
    """Whom a job waits for, and what it does when one of them fails."""

    ids: frozenset[int]
    policy: str


@dataclass(frozen=True)
class Evidence:
    calls: list[Call]
    seen: list[Move]
    lie: list[Lies]
    transitions: frozenset[tuple[str | None, str | None, str | None]]
    rules: Rules

    @cached_property
    def moves(self) -> list[Move]:
        return [move for move in self.changes if not move.edit]

    @cached_property
    def changes(self) -> list[Move]:
        """Moves, and edits of jobs that stay where they are."""
        return fold(self.seen)

    @cached_property
    def by_job(self) -> dict[int, list[Move]]:
        found: dict[int, list[Move]] = defaultdict(list)
        for move in self.moves:
            found[move.id].append(move)
        return found

    @cached_property
    def births(self) -> dict[str, Move]:
        """How each job came, by its nonce then."""
        return {move.nonce: move for move in self.moves if move.gone is None and move.nonce}

    @cached_property
    def parents(self) -> dict[int, Parents]:
        """Whom each job waits for, by its id."""
        found: dict[int, Parents] = {}
        for call in self.calls:
            for nonce, job in call.asked.get("jobs", {}).items():
                if nonce in self.births and "depends_on" in job:
                    found[self.births[nonce].id] = Parents(
                        frozenset(map(self._id, job["depends_on"])), job["on_parent_failure"]
                    )
        for call in self.calls:
            callback = call.asked.get("callback") or call.asked.get("batch")
            came = [nonce for nonce in call.asked.get("nonces", ()) if nonce in self.births]
            if callback is not None and came:
                id = self._id(callback)
                before = found.get(id, Parents(frozenset(), "run"))
                members = frozenset(map(self._id, came)) - {id}
                found[id] = replace(before, ids=before.ids | members)
        return found

    def _id(self, named: int | str) -> int:
        """By id or nonce; 0: no such job, which another rule says."""
        if isinstance(named, int):
            return named
        return self.births[named].id if named in self.births else 0

    def said(self, *names: str, outcome: str = DONE) -> Iterable[Call]:
        return (call for call in self.calls if call.name in names and call.outcome == outcome)

    @cached_property
    def end_calls(self) -> dict[tuple[int, str], list[End]]:
        """Each word about the end of a claim, by job and lease."""
        found: dict[tuple[int, str], list[End]] = defaultdict(list)
        for call in self.calls:
            for end in ends_of(call):
                found[end.id, end.lease].append(end)
        return found


# What a client says to end a claim.
ENDS = ("complete", "complete_many", "exchange", "fail", "release", "snooze")


@dataclass(frozen=True)
class End:
    """What one call says about one claim, and what it was told: done, refused or unknown."""

    call: Call
    id: int
    lease: str
    by: str
    outcome: str
    status: str | None


def ends_of(call: Call) -> Iterable[End]:
    """The claims that the call was to end."""
    if call.name not in ENDS:
        return
    by = "complete" if call.name in ("complete_many", "exchange") else call.name
    for id, lease in zip(call.asked["ids"], call.asked["leases"], strict=True):
        outcome, status = call.outcome, None
        if outcome == DONE:
            told = call.told["ended"].get(str(id))
            # None: refused; false: it says that this lease had done so before
            outcome = DONE if told else REFUSED if told is None else UNDONE
            status = told or None
        yield End(call, id, lease, by, outcome, status)


@dataclass(frozen=True)
class Claim:
    """One job of an answer to dequeue or exchange."""

    call: Call
    id: int
    lease: str
    attempts: int


def claims_of(calls: Iterable[Call]) -> Iterable[Claim]:
    for call in calls:
        if call.name in ("dequeue", "exchange") and call.outcome == DONE:
            for job in call.told["claimed"]:
                yield Claim(call, job["id"], job["lease"], job["attempts"])
