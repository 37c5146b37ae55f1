"""What every rule of the model needs: calls in savepoints, and the looks that follow each step."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest
from hypothesis.stateful import RuleBasedStateMachine, invariant
from psycopg.rows import DictRow

from tests.database import SQL, Clock, Conn
from tests.model import reading
from tests.model.records import Model, Record

START = datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC)
INVARIANTS = (SQL / "invariants.sql").read_bytes()


@dataclass
class Covered:
    """How often the examples came to what, lest they all be about nothing."""

    answered: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    changes: Counter[tuple[str | None, str]] = field(default_factory=Counter)

    def kinds(self) -> tuple[set[str], set[str], set[tuple[str | None, str]]]:
        """What they came to at all."""
        return set(self.answered), set(self.refused), set(self.changes)


class Base(RuleBasedStateMachine):
    """One example: one transaction, which is rolled back; a savepoint around each call."""

    def __init__(
        self,
        connection: Conn,
        edges: set[tuple[str | None, str, str]],
        covered: Covered,
    ) -> None:
        super().__init__()
        self.covered = covered
        self.connection = connection
        self.edges = edges
        self.clock = Clock(connection)
        self.model = Model(self.clock.set(START))
        self.claims: list[tuple[int, UUID]] = []  # every lease ever given out
        self.seen: dict[int, Record] = {}
        self.by: set[str] = set()
        self.allowed: dict[int, int] = {}  # retries that a job had, before they were edited

    def call(self, function: str, by: str | None = None, /, **named: object) -> list[DictRow]:
        """Call a function in a savepoint, and note who is to answer for the edges that follow."""
        self.by = {by or function}
        given = ", ".join(f"{name} => %({name})s" for name in named)
        with self.connection.transaction():
            query = f"select * from forge.{function}({given})"
            answer = self.connection.execute(query.encode(), named).fetchall()
        if answer:
            self.covered.answered[function] += 1
        return answer

    def refused(self, code: str, function: str, **named: object) -> None:
        with pytest.raises(psycopg.Error) as refusal:
            self.call(function, **named)
        assert refusal.value.sqlstate == code, refusal.value
        self.covered.refused[function] += 1

    def job(self, pick: int) -> Record:
        """Any job, but rather one that is dead, running or cancelled, as few are."""
        jobs = list(self.model.jobs.values())
        wanted = ("DEAD", "PROCESSING", "CANCELLED", "")[pick % 4]
        chosen = [job for job in jobs if job.status == wanted] or jobs
        return chosen[(pick // 4) % len(chosen)]

    def claimed(self, pick: int) -> tuple[dict[str, Any], Record | None]:
        """A claim, mostly one whose lease is current, and then its job."""
        current = [claim for claim in self.claims if self.model.owned(*claim) is not None]
        chosen = self.claims if pick % 4 == 2 or not current else current
        job_id, lease = chosen[(pick // 4) % len(chosen)]
        return {"id": job_id, "lease": lease}, self.model.owned(job_id, lease)

    def several(self, picks: list[int]) -> tuple[dict[str, Any], list[Record | None]]:
        """Some claims, of different jobs."""
        chosen = {claim["id"]: (claim, job) for claim, job in map(self.claimed, picks)}
        arguments = {
            "ids": [claim["id"] for claim, _ in chosen.values()],
            "leases": [claim["lease"] for claim, _ in chosen.values()],
        }
        return arguments, [job for _, job in chosen.values()]

    def accept(
        self, answer: list[DictRow], count: int, length: timedelta, queue: str = "default"
    ) -> None:
        """The answer to a claim: the right jobs, in order, under one lease."""
        expected = self.model.next_up(count, queue)
        assert [row["id"] for row in answer] == [job.id for job in expected]
        for row, job in zip(answer, expected, strict=True):
            self.model.claim(job, row["lease"], length)
            self.claims.append((job.id, row["lease"]))
        assert len({row["lease"] for row in answer}) <= 1

    @invariant()
    def rows_are_those_of_the_model(self) -> None:
        rows = reading.rows(self.connection)
        found = {row.id: row for row in rows}
        assert len(rows) == len(found)
        assert found == self.model.jobs
        for job_id, job in found.items():
            before = self.seen.get(job_id)
            if before is None or before.status != job.status:
                edge = (before.status if before else None, job.status)
                assert self.is_legal(edge), (edge, self.by)
                self.covered.changes[edge] += 1
            assert job.attempts >= (job.status == "PROCESSING")
            if before is None or job.attempts > before.attempts:
                assert job.attempts <= max(self.retries(job), self.allowed.get(job_id, 0)) + 1
        self.seen = found

    def retries(self, job: Record) -> int:
        """How often it may be run again, at most."""
        return 10 if job.max_retries is None else job.max_retries

    def is_legal(self, edge: tuple[str | None, str]) -> bool:
        """Whether what was called may do this, such as to free a job and claim it in one call."""
        steps = {(before, after) for before, after, by in self.edges if by in self.by}
        two = {(before, after) for before, via in steps for start, after in steps if start == via}
        return edge in steps | two

    def teardown(self) -> None:
        try:
            self.numbers_are_those_of_the_model()
            assert self.connection.execute(INVARIANTS).fetchall() == []
        finally:
            self.connection.rollback()

    def numbers_are_those_of_the_model(self) -> None:
        for row in self.connection.execute("select * from forge.stats()").fetchall():
            queue = row["queue"]
            jobs = [job for job in self.model.jobs.values() if job.queue == queue]
            pending = [
                job.scheduled_at <= self.model.now for job in jobs if job.status == "PENDING"
            ]
            expected = {
                "paused": queue in self.model.paused,
                "waiting": sum(job.status == "WAITING" for job in jobs),
                "ready": pending.count(True),
                "scheduled": pending.count(False),
                "processing": sum(job.status == "PROCESSING" for job in jobs),
                "dead": sum(job.place == "dead_jobs" for job in jobs),
                "completed": self.model.completed[queue],
                "cancelled": self.model.cancelled[queue],
                "failed": self.model.failed[queue],
            }
            assert {name: row[name] for name in expected} == expected
