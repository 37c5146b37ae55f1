"""Rules for producers and workers, whose leases may be stale."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from tests.model.base import Base
from tests.model.records import Record

delays = st.sampled_from([0, 7, 90, 7200]).map(lambda seconds: timedelta(seconds=seconds))
starts = st.sampled_from([0, 0, 0, 90]).map(lambda seconds: timedelta(seconds=seconds))
keys = st.sampled_from([None, None, "a", "b"])
priorities = st.integers(-1, 1)
retries = st.sampled_from([0, 1, 2, None])
lengths = st.sampled_from([10, 600]).map(lambda seconds: timedelta(seconds=seconds))
picks = st.integers(0, 255)


class Working(Base):
    # Few rules with many faces: Hypothesis leaves some rules out of each example, and with a rule a
    # function most examples would lack one that the others need.

    @rule(key=keys, priority=priorities, delay=starts, max_retries=retries)
    def add(
        self, key: str | None, priority: int, delay: timedelta, max_retries: int | None
    ) -> None:
        self.enqueue(key, priority, delay, max_retries)

    @rule(picks=st.none() | st.lists(picks, max_size=3), count=st.integers(1, 3), length=lengths)
    def claim(self, picks: list[int] | None, count: int, length: timedelta) -> None:
        if picks is None or not self.claims:
            self.dequeue(count, length)
        else:
            self.exchange(picks, count, length)

    @precondition(lambda self: self.claims)
    @rule(
        how=st.sampled_from(["fail", "complete", "progress", "snooze", "release"]),
        pick=picks,
        retryable=st.sampled_from([False, True, True]),
        delay=st.none() | delays,
    )
    def report(self, how: str, pick: int, retryable: bool, delay: timedelta | None) -> None:
        self.have_a_job_run()
        match how:
            case "complete":
                self.complete(pick)
            case "fail":
                self.fail(pick, retryable, delay)
            case "release":
                self.release(pick)
            case "snooze":
                self.snooze(pick, delay or timedelta(0))
            case "progress":
                self.progress(pick, 0.5 if retryable else 1.0)

    @precondition(lambda self: self.claims)
    @rule(picks=st.lists(picks, min_size=1, max_size=4), extend=st.none() | lengths)
    def report_many(self, picks: list[int], extend: timedelta | None) -> None:
        self.have_a_job_run()
        if extend is None:
            self.complete_many(picks)
        else:
            self.heartbeat(picks, extend)

    def have_a_job_run(self) -> None:
        """Lest most reports be about leases that are long lost."""
        if not any(self.model.owned(*claim) for claim in self.claims):
            self.enqueue(None, 0, timedelta(0), None)
            self.rows_are_those_of_the_model()
            self.dequeue(2, timedelta(minutes=10))
            self.rows_are_those_of_the_model()

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
            job = Record(row["enqueue"], priority, due, key, max_retries, born_at=self.model.now)
            self.model.jobs[job.id] = job

    def dequeue(self, count: int, length: timedelta) -> None:
        queue = self.queue_to_claim_from(count)
        answer = self.call("dequeue", queue=queue, worker="w", max_jobs=count, lease=length)
        self.accept(answer, count, length, queue)

    def queue_to_claim_from(self, count: int) -> str:
        return "default"

    def exchange(self, picks: list[int], count: int, length: timedelta) -> None:
        claims, jobs = self.several(picks)
        queue = self.queue_to_claim_from(count)
        named = {"queue": queue, "worker": "w", "max_jobs": count, "lease": length}
        answer = self.call("exchange", **claims, **named)
        self.by = {"complete", "dequeue"}
        for job in filter(None, jobs):
            self.model.complete(job)
        self.accept(answer, count, length, queue)

    def complete(self, pick: int) -> None:
        claim, job = self.claimed(pick)
        before = self.model.jobs.get(claim["id"])
        if job is not None:
            assert self.call("complete", **claim) == [{"complete": True}]
            self.model.complete(job)
        elif before and (before.status, before.lease) == ("COMPLETED", claim["lease"]):
            assert self.call("complete", **claim) == [{"complete": False}]
        else:
            self.refused("JQ002", "complete", **claim)

    def complete_many(self, picks: list[int]) -> None:
        claims, jobs = self.several(picks)
        answer = self.call("complete_many", "complete", **claims)
        current = [job for job in jobs if job is not None]
        assert [row["complete_many"] for row in answer] == sorted(job.id for job in current)
        for job in current:
            self.model.complete(job)

    def fail(self, pick: int, retryable: bool, retry_in: timedelta | None) -> None:
        claim, job = self.claimed(pick)
        said = {"retryable": retryable, "retry_in": retry_in, "error": "no"}
        said["error_type"] = ("A", "B", "")[pick % 3]
        named = {**claim, **said}
        if job is None:
            self.refused("JQ002", "fail", **named)
            return
        (row,) = self.call("fail", **named)
        self.model.fail(job, **said)  # type: ignore[arg-type]
        due = job.scheduled_at if job.status == "PENDING" else None
        assert (row["status"], row["scheduled_at"]) == (job.status, due)

    def heartbeat(self, picks: list[int], extend: timedelta) -> None:
        claims, jobs = self.several(picks)
        answer = self.call("heartbeat", worker="w", **claims, extend=extend)
        expected = []
        for job_id, job in sorted(zip(claims["ids"], jobs, strict=True), key=lambda pair: pair[0]):
            if job is None:
                expected.append({"id": job_id, "reason": "lease_lost"})
                continue
            assert job.lease_expires_at is not None
            until = job.lease_until(self.model.now + extend)
            job.lease_expires_at = max(job.lease_expires_at, until)
            if job.cancel_asked:
                expected.append({"id": job_id, "reason": "cancel_requested"})
        assert answer == expected

    def release(self, pick: int) -> None:
        claim, job = self.claimed(pick)
        if job is None:
            self.refused("JQ002", "release", **claim)
            return
        (row,) = self.call("release", **claim)
        self.model.give_back(job, job.scheduled_at)
        assert row["to_status"] == job.status

    def snooze(self, pick: int, delay: timedelta) -> None:
        claim, job = self.claimed(pick)
        if job is None:
            self.refused("JQ002", "snooze", **claim, delay=delay)
            return
        (row,) = self.call("snooze", **claim, delay=delay)
        self.model.give_back(job, self.model.now + delay)
        assert row["to_status"] == job.status

    def progress(self, pick: int, value: float) -> None:
        claim, job = self.claimed(pick)
        if job is None:
            self.refused("JQ002", "progress", **claim, value=value)
            return
        self.call("progress", **claim, value=value)
        job.progress = value
