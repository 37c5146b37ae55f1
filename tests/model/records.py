"""The model: what a job is, as plain records, and what the contract says becomes of it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from tests.model.policies import Policies, Settings, Verdict

LIVE = ("WAITING", "PENDING", "PROCESSING")
GRACE = timedelta(seconds=5)


@dataclass
class Record:
    """One job, as it should stand in one of the three tables."""

    id: int
    priority: int
    scheduled_at: datetime
    unique_key: str | None
    max_retries: int | None
    place: str = "jobs"
    status: str = "PENDING"
    attempts: int = 0
    lease: UUID | None = None
    lease_expires_at: datetime | None = None
    revivals: int = 0
    errors: int = 0
    cancel_asked: bool = False
    progress: float | None = None
    queue: str = "default"
    unique_scope: str | None = None
    concurrency_key: str | None = None
    type: str = "t"
    payload: dict[str, Any] = field(default_factory=dict)
    waits_for: set[int] = field(default_factory=set)  # of a WAITING job; an open batch: for itself
    # What is said when it is made, and shows in what becomes of it.
    born_at: datetime | None = field(default=None, compare=False)  # or revived
    attempted_at: datetime | None = field(default=None, compare=False)
    unique_for: timedelta | None = field(default=None, compare=False)
    timeout: timedelta | None = field(default=None, compare=False)
    died_at: datetime | None = field(default=None, compare=False)
    ended_at: datetime | None = field(default=None, compare=False)
    failures: list[tuple[str | None, bool]] = field(default_factory=list, compare=False)
    said: Settings = field(default_factory=dict, compare=False)  # of its retries
    rules: list[Settings] = field(default_factory=list, compare=False)
    policy: str = field(default="wait", compare=False)

    def __post_init__(self) -> None:
        if self.unique_key is not None and self.unique_scope is None:
            self.unique_scope = self.queue

    def lease_until(self, end: datetime) -> datetime:
        """When a lease ends that is asked for until then."""
        assert self.attempted_at is not None
        return end if self.timeout is None else min(end, self.attempted_at + self.timeout + GRACE)


@dataclass
class Model:
    now: datetime
    jobs: dict[int, Record] = field(default_factory=dict)
    paused: set[str] = field(default_factory=set)
    draining: bool = False
    policies: Policies = field(default_factory=Policies)
    spent: list[tuple[str, str, datetime, int]] = field(default_factory=list)
    completed: Counter[str] = field(default_factory=Counter)
    cancelled: Counter[str] = field(default_factory=Counter)
    failed: Counter[str] = field(default_factory=Counter)

    def holder(self, key: str | None, scope: str | None = "default") -> Record | None:
        """The live job that has this key."""
        live = (job for job in self.jobs.values() if job.status in LIVE and key is not None)
        return next(
            (job for job in live if (job.unique_key, job.unique_scope) == (key, scope)), None
        )

    def spent_by(self, key: str | None, scope: str | None) -> tuple[datetime, int | None]:
        """Until when this key is still taken, and by which completed job: else now, and none."""
        taken = [(until, id) for s, k, until, id in self.spent if (k, s) == (key, scope)]
        return max([one for one in taken if one[0] > self.now], default=(self.now, None))

    def owned(self, job_id: int, lease: UUID) -> Record | None:
        """The job, where the lease is the current one of a running job."""
        job = self.jobs.get(job_id)
        runs = job is not None and job.status == "PROCESSING" and job.lease == lease
        return job if runs else None

    def next_up(self, count: int, queue: str = "default") -> list[Record]:
        due = [
            job
            for job in self.jobs.values()
            if job.queue == queue and job.status == "PENDING" and job.scheduled_at <= self.now
        ]
        due.sort(key=lambda job: (-job.priority, job.scheduled_at, job.id))
        return [] if self.draining or queue in self.paused else due[:count]

    def claim(self, job: Record, lease: UUID, length: timedelta) -> None:
        job.status = "PROCESSING"
        job.attempts += 1
        job.lease = lease
        job.attempted_at = self.now
        job.lease_expires_at = job.lease_until(self.now + length)

    def complete(self, job: Record) -> None:
        self.completed[job.queue] += 1
        if job.unique_key is not None and job.unique_for is not None:
            assert job.unique_scope is not None
            until = self.now + job.unique_for
            self.spent.append((job.unique_scope, job.unique_key, until, job.id))
        self._end(job, "COMPLETED", "history")

    def fail(
        self,
        job: Record,
        *,
        retryable: bool = True,
        retry_in: timedelta | None = None,
        failures: int | None = None,
        error_type: str = "",
        error: str = "",
    ) -> None:
        """failures: the n of the backoff, where it is not the number of attempts."""
        self.failed[job.queue] += 1
        job.errors += 1
        if job.cancel_asked:
            self.cancel(job)
            return
        verdict = Verdict(dead=True)
        if retryable:
            count = job.attempts if failures is None else failures
            verdict = self.policies.verdict(job, count, error_type, error, retry_in)
        job.failures.append((verdict.rule, verdict.apart))
        if verdict.dead:
            job.died_at = self.now
            self._end(job, "DEAD", "dead_jobs")
            return
        self._put_back(job, self.now + verdict.delay)
        if verdict.pauses:
            self.paused.add(job.queue)

    def lose_expired(self) -> list[Record]:
        """What a tick takes away from workers that are late, by timeouts of types and by leases."""
        running = [job for job in self.jobs.values() if job.status == "PROCESSING"]
        late = [job for job in running if job.timeout is None and self.is_late(job, GRACE)]
        for job in late:
            self.fail(job, error_type="Timeout")
        lost = [
            job
            for job in running
            if job not in late and job.lease_expires_at < self.now  # type: ignore[operator]
        ]
        for job in lost:
            if self.is_late(job, timedelta(0), at_the_moment=True):
                self.fail(job, error_type="Timeout")
            else:
                # The loss of a worker is not the job's fault: at first it comes back at once.
                self.fail(job, failures=job.attempts - 1, error_type="LeaseExpired")
        return lost

    def is_late(self, job: Record, grace: timedelta, at_the_moment: bool = False) -> bool:
        timeout = self.policies.timeout(job)
        if timeout is None:
            return False
        assert job.attempted_at is not None
        end = job.attempted_at + timeout + grace
        return self.now > end or (at_the_moment and self.now == end)

    def miss(self, job: Record) -> None:
        """It waited for something until its deadline."""
        job.errors += 1
        job.died_at = self.now
        self._end(job, "DEAD", "dead_jobs")

    def give_back(self, job: Record, scheduled_at: datetime) -> None:
        if job.cancel_asked:
            self.cancel(job)
        else:
            job.attempts -= 1
            self._put_back(job, scheduled_at)

    def cancel(self, job: Record) -> None:
        job.cancel_asked = True
        self.cancelled[job.queue] += 1
        self._end(job, "CANCELLED", "history")

    def discard(self, job: Record) -> None:
        job.place, job.ended_at = "history", self.now

    def revive(self, job: Record) -> bool:
        """Back to PENDING, unless a live job has its key."""
        if self.holder(job.unique_key, job.unique_scope) is not None:
            return False
        job.place, job.status = "jobs", "PENDING"
        job.attempts, job.scheduled_at, job.born_at = 0, self.now, self.now
        job.revivals += 1
        job.failures = []
        job.cancel_asked, job.lease = False, None
        return True

    def children(self, parent: int) -> list[Record]:
        return [job for job in self.jobs.values() if parent in job.waits_for - {job.id}]

    def no_longer_waits_for(self, child: Record, parent: int) -> None:
        """When it waits for nothing any more it is PENDING."""
        child.waits_for.discard(parent)
        if not child.waits_for:
            child.status = "PENDING"
            child.scheduled_at = max(child.scheduled_at, self.now)

    def _put_back(self, job: Record, scheduled_at: datetime) -> None:
        job.status, job.scheduled_at = "PENDING", scheduled_at
        job.lease = job.lease_expires_at = job.progress = None

    def _end(self, job: Record, status: str, place: str) -> None:
        job.status, job.place, job.ended_at = status, place, self.now
        job.lease_expires_at = job.progress = None
        job.waits_for = set()
        for child in self.children(job.id):
            if job.id not in child.waits_for:
                continue  # cancelled with another one of these
            if status == "COMPLETED" or child.policy == "run":
                self.no_longer_waits_for(child, job.id)
            elif child.policy == "cancel":
                self.cancel(child)
