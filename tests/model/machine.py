"""Any order of calls does to the database what it does to a dict of records: the whole machine."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import strategies as st
from hypothesis.stateful import initialize, rule

from tests.model.records import Record
from tests.model.working import Working, keys, lengths, picks, priorities, retries, starts

OPERATIONS = [
    *["cancel", "cancel", "retry", "retry"],
    *["discard", "discard", *["retry_dead"] * 3, "pause or resume"],
]


class Machine(Working):
    """Adds what operators do, and the passing of time."""

    @initialize(
        jobs=st.lists(st.tuples(keys, priorities, starts, retries), min_size=2, max_size=5),
        length=lengths,
        fate=st.sampled_from(["runs", "dies", "is revived"]),
        asked_to_end=st.booleans(),
    )
    def begin_with_some_jobs(
        self,
        jobs: list[tuple[str | None, int, timedelta, int | None]],
        length: timedelta,
        fate: str,
        asked_to_end: bool,
    ) -> None:
        for job in jobs:
            self.enqueue(*job)
            self.rows_are_those_of_the_model()
        self.dequeue(2, length)
        self.rows_are_those_of_the_model()
        if fate != "runs" and self.claims:
            self.fail(0, retryable=False, retry_in=None)
            self.rows_are_those_of_the_model()
        if fate == "is revived":
            self.retry_dead(1)
            self.rows_are_those_of_the_model()
        if asked_to_end:
            self.cancel(1)

    @rule(how=st.sampled_from(OPERATIONS), pick=picks)
    def operate(self, how: str, pick: int) -> None:
        match how:
            case "cancel":
                self.cancel(pick)
            case "retry":
                self.retry(pick)
            case "discard":
                self.discard(pick - pick % 3)
            case "retry_dead":
                self.retry_dead(1 + pick % 3)
            case "pause or resume":
                self.pause_or_resume()

    @rule(seconds=st.sampled_from([0, 1, 11, 120, 3700]), ticks=st.booleans())
    def wait(self, seconds: int, ticks: bool) -> None:
        self.by = set()
        self.model.now = self.clock.advance(seconds=seconds)
        if ticks:
            self.tick()

    def cancel(self, pick: int) -> None:
        job = self.job(pick)
        before = job.status
        if before in ("COMPLETED", "DEAD"):
            self.refused("JQ004", "cancel", id=job.id)
            return
        (row,) = self.call("cancel", id=job.id)
        if before in ("WAITING", "PENDING"):
            self.model.cancel(job)
        job.cancel_asked = True
        assert (row["from_status"], row["to_status"]) == (before, job.status)

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

    def retry_dead(self, count: int) -> None:
        answer = self.call("retry_dead", "retry", max_jobs=count)
        dead = [
            job
            for job in sorted(self.model.jobs.values(), key=lambda job: job.id)
            if job.place == "dead_jobs" and self.is_free(job)
        ][:count]
        assert sorted(row["id"] for row in answer) == [
            job.id for job in dead if self.model.revive(job)
        ]

    def is_free(self, job: Record) -> bool:
        return self.model.holder(job.unique_key, job.unique_scope) is None

    def discard(self, pick: int) -> None:
        job = self.job(pick)
        if job.place != "dead_jobs":
            self.refused("JQ004", "discard", id=job.id)
            return
        self.call("discard", id=job.id)
        self.model.discard(job)

    def pause_or_resume(self) -> None:
        queue = next(iter(self.model.paused), "default")
        self.call("resume" if self.model.paused else "pause", queue=queue)
        self.model.paused ^= {queue}

    def tick(self) -> None:
        tasks = {row["task"]: row["count"] for row in self.call("tick")}
        assert tasks.get("expired_leases", 0) == len(self.model.lose_expired())
