"""Any order of calls, stale ones too, does to the database what it does to a dict of records."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from psycopg.rows import DictRow

from tests.database import SQL, Clock, Conn
from tests.model import reading
from tests.model.records import Model, Record, backoff

START = datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC)
INVARIANTS = (SQL / "invariants.sql").read_bytes()

delays = st.sampled_from([0, 7, 90, 7200]).map(lambda seconds: timedelta(seconds=seconds))
lengths = st.sampled_from([10, 600]).map(lambda seconds: timedelta(seconds=seconds))
picks = st.integers(0, 255)


class Machine(RuleBasedStateMachine):
    """One example: one transaction, which is rolled back; a savepoint around each call."""

    def __init__(self, connection: Conn, edges: set[tuple[str | None, str, str]]) -> None:
        super().__init__()
        self.connection = connection
        self.edges = edges
        self.clock = Clock(connection)
        self.model = Model(self.clock.set(START))
        self.claims: list[tuple[int, UUID]] = []  # every lease ever given out
        self.seen: dict[int, Record] = {}
        self.by: set[str] = set()

    def call(self, function: str, by: str | None = None, /, **named: object) -> list[DictRow]:
        """Call a function in a savepoint, and note who is to answer for the edges that follow."""
        self.by = {by or function}
        given = ", ".join(f"{name} => %({name})s" for name in named)
        with self.connection.transaction():
            query = f"select * from forge.{function}({given})"
            return self.connection.execute(query.encode(), named).fetchall()

    def refused(self, code: str, function: str, **named: object) -> None:
        with pytest.raises(psycopg.Error) as refusal:
            self.call(function, **named)
        assert refusal.value.sqlstate == code, refusal.value

    def job(self, pick: int) -> Record:
        return list(self.model.jobs.values())[pick % len(self.model.jobs)]

    def claimed(self, pick: int) -> tuple[dict[str, Any], Record | None]:
        """A claim, the latest more often than others, and its job if the lease is current."""
        latest = self.claims[-4:] if pick & 1 else self.claims
        job_id, lease = latest[(pick >> 1) % len(latest)]
        return {"id": job_id, "lease": lease}, self.model.owned(job_id, lease)

    def several(self, picks: list[int]) -> tuple[dict[str, Any], list[Record | None]]:
        """Some claims, of different jobs."""
        chosen = {claim["id"]: (claim, job) for claim, job in map(self.claimed, picks)}
        arguments = {
            "ids": [claim["id"] for claim, _ in chosen.values()],
            "leases": [claim["lease"] for claim, _ in chosen.values()],
        }
        return arguments, [job for _, job in chosen.values()]

    def accept(self, answer: list[DictRow], count: int, length: timedelta) -> None:
        """The answer to a claim: the right jobs, in order, under one lease."""
        expected = self.model.next_up(count)
        assert [row["id"] for row in answer] == [job.id for job in expected]
        for row, job in zip(answer, expected, strict=True):
            self.model.claim(job, row["lease"], length)
            self.claims.append((job.id, row["lease"]))
        assert len({row["lease"] for row in answer}) <= 1

    @rule(
        key=st.sampled_from([None, None, "a", "b"]),
        priority=st.integers(-1, 1),
        delay=delays,
        max_retries=st.sampled_from([None, 0, 1, 2]),
    )
    def enqueue(
        self, key: str | None, priority: int, delay: timedelta, max_retries: int | None
    ) -> None:
        due = self.model.now + delay
        holder = self.model.holder(key)
        (row,) = self.call(
            "enqueue",
            type="t",
            priority=priority,
            scheduled_at=due,
            unique_key=key,
            max_retries=max_retries,
        )
        if holder is not None:
            assert row["enqueue"] == holder.id
        else:
            assert row["enqueue"] not in self.model.jobs
            job = Record(row["enqueue"], priority, due, key, max_retries)
            self.model.jobs[job.id] = job

    @rule(count=st.integers(1, 3), length=lengths)
    def dequeue(self, count: int, length: timedelta) -> None:
        self.accept(self.call("dequeue", max_jobs=count, lease=length), count, length)

    @precondition(lambda self: self.claims)
    @rule(picks=st.lists(picks, max_size=3), count=st.integers(1, 3), length=lengths)
    def exchange(self, picks: list[int], count: int, length: timedelta) -> None:
        claims, jobs = self.several(picks)
        answer = self.call("exchange", **claims, max_jobs=count, lease=length)
        self.by = {"complete", "dequeue"}
        for job in filter(None, jobs):
            self.model.complete(job)
        self.accept(answer, count, length)

    @precondition(lambda self: self.claims)
    @rule(pick=picks)
    def complete(self, pick: int) -> None:
        claim, job = self.claimed(pick)
        before = self.model.jobs[claim["id"]]
        if job is not None:
            assert self.call("complete", **claim) == [{"complete": True}]
            self.model.complete(job)
        elif before.status == "COMPLETED" and before.lease == claim["lease"]:
            assert self.call("complete", **claim) == [{"complete": False}]
        else:
            self.refused("JQ002", "complete", **claim)

    @precondition(lambda self: self.claims)
    @rule(picks=st.lists(picks, max_size=4))
    def complete_many(self, picks: list[int]) -> None:
        claims, jobs = self.several(picks)
        answer = self.call("complete_many", "complete", **claims)
        current = [job for job in jobs if job is not None]
        assert [row["complete_many"] for row in answer] == sorted(job.id for job in current)
        for job in current:
            self.model.complete(job)

    @precondition(lambda self: self.claims)
    @rule(pick=picks, retryable=st.booleans(), retry_in=st.none() | delays)
    def fail(self, pick: int, retryable: bool, retry_in: timedelta | None) -> None:
        claim, job = self.claimed(pick)
        named = {**claim, "error": "no", "retryable": retryable, "retry_in": retry_in}
        if job is None:
            self.refused("JQ002", "fail", **named)
            return
        (row,) = self.call("fail", **named)
        delay = backoff(job.attempts) if retry_in is None else retry_in
        self.model.fail(job, retryable=retryable, delay=delay)
        due = job.scheduled_at if job.status == "PENDING" else None
        assert (row["status"], row["scheduled_at"]) == (job.status, due)

    @precondition(lambda self: self.claims)
    @rule(picks=st.lists(picks, min_size=1, max_size=4), extend=lengths)
    def heartbeat(self, picks: list[int], extend: timedelta) -> None:
        claims, jobs = self.several(picks)
        answer = self.call("heartbeat", worker="w", **claims, extend=extend)
        expected = []
        for job_id, job in sorted(zip(claims["ids"], jobs, strict=True), key=lambda pair: pair[0]):
            if job is None:
                expected.append({"id": job_id, "reason": "lease_lost"})
                continue
            assert job.lease_expires_at is not None
            job.lease_expires_at = max(job.lease_expires_at, self.model.now + extend)
            if job.cancel_asked:
                expected.append({"id": job_id, "reason": "cancel_requested"})
        assert answer == expected

    @precondition(lambda self: self.claims)
    @rule(pick=picks)
    def release(self, pick: int) -> None:
        claim, job = self.claimed(pick)
        if job is None:
            self.refused("JQ002", "release", **claim)
            return
        (row,) = self.call("release", **claim)
        self.model.give_back(job, job.scheduled_at)
        assert row["to_status"] == job.status

    @precondition(lambda self: self.claims)
    @rule(pick=picks, delay=delays)
    def snooze(self, pick: int, delay: timedelta) -> None:
        claim, job = self.claimed(pick)
        if job is None:
            self.refused("JQ002", "snooze", **claim, delay=delay)
            return
        (row,) = self.call("snooze", **claim, delay=delay)
        self.model.give_back(job, self.model.now + delay)
        assert row["to_status"] == job.status

    @precondition(lambda self: self.claims)
    @rule(pick=picks, value=st.sampled_from([0.0, 0.5, 1.0]))
    def progress(self, pick: int, value: float) -> None:
        claim, job = self.claimed(pick)
        if job is None:
            self.refused("JQ002", "progress", **claim, value=value)
            return
        self.call("progress", **claim, value=value)
        job.progress = value

    @precondition(lambda self: self.model.jobs)
    @rule(pick=picks)
    def cancel(self, pick: int) -> None:
        job = self.job(pick)
        before = job.status
        if before in ("COMPLETED", "DEAD"):
            self.refused("JQ004", "cancel", id=job.id)
            return
        (row,) = self.call("cancel", id=job.id)
        if before == "PENDING":
            self.model.cancel(job)
        job.cancel_asked = True
        assert (row["from_status"], row["to_status"]) == (before, job.status)

    @precondition(lambda self: self.model.jobs)
    @rule(pick=picks)
    def retry(self, pick: int) -> None:
        job = self.job(pick)
        before = job.status
        if before == "PENDING":
            job.scheduled_at = min(job.scheduled_at, self.model.now)
        elif before not in ("DEAD", "CANCELLED") or not self.model.revive(job):
            self.refused("JQ004", "retry", id=job.id)
            return
        (row,) = self.call("retry", id=job.id)
        assert (row["from_status"], row["to_status"]) == (before, "PENDING")

    @rule(count=st.integers(1, 3))
    def retry_dead(self, count: int) -> None:
        answer = self.call("retry_dead", "retry", max_jobs=count)
        dead = [
            job
            for job in sorted(self.model.jobs.values(), key=lambda job: job.id)
            if job.place == "dead_jobs" and self.model.holder(job.unique_key) is None
        ][:count]
        assert sorted(row["id"] for row in answer) == [
            job.id for job in dead if self.model.revive(job)
        ]

    @precondition(lambda self: self.model.jobs)
    @rule(pick=picks)
    def discard(self, pick: int) -> None:
        job = self.job(pick)
        if job.place != "dead_jobs":
            self.refused("JQ004", "discard", id=job.id)
            return
        self.call("discard", id=job.id)
        job.place = "history"

    @rule()
    def ask_for_a_job_that_never_was(self) -> None:
        for function in ("cancel", "retry", "discard"):
            self.refused("JQ003", function, id=0)

    @rule()
    def pause_or_resume(self) -> None:
        self.call("resume" if self.model.paused else "pause", queue="default")
        self.model.paused = not self.model.paused

    @rule(seconds=st.sampled_from([1, 11, 120, 3700]))
    def advance(self, seconds: int) -> None:
        self.by = set()
        self.model.now = self.clock.advance(seconds=seconds)

    @rule()
    def tick(self) -> None:
        tasks = {row["task"]: row["count"] for row in self.call("tick")}
        assert tasks.get("expired_leases", 0) == len(self.model.lose_expired())

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
                assert any((*edge, by) in self.edges for by in self.by), (edge, self.by)
            allowed = 10 if job.max_retries is None else job.max_retries
            assert (job.status == "PROCESSING") <= job.attempts <= allowed + 1
        self.seen = found

    def teardown(self) -> None:
        try:
            self.numbers_are_those_of_the_model()
            assert self.connection.execute(INVARIANTS).fetchall() == []
        finally:
            self.connection.rollback()

    def numbers_are_those_of_the_model(self) -> None:
        (row,) = self.connection.execute("select * from forge.stats('default')").fetchall()
        jobs = self.model.jobs.values()
        pending = [job.scheduled_at <= self.model.now for job in jobs if job.status == "PENDING"]
        expected = {
            "paused": self.model.paused,
            "ready": pending.count(True),
            "scheduled": pending.count(False),
            "processing": sum(job.status == "PROCESSING" for job in jobs),
            "dead": sum(job.place == "dead_jobs" for job in jobs),
            "completed": self.model.completed,
            "cancelled": self.model.cancelled,
            "failed": self.model.failed,
        }
        assert {name: row[name] for name in expected} == expected
