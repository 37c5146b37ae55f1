"""Any order of calls does to the database what it does to a dict of records: the whole machine."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from tests.model.working import Working, picks


class Machine(Working):
    """Adds what operators do, and the passing of time."""

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
