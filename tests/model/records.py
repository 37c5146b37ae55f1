"""The model: what a job is, as plain records, and what the contract says becomes of it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

LIVE = ("WAITING", "PENDING", "PROCESSING")
BASE = timedelta(seconds=5)
CAP = timedelta(hours=1)
GRACE = timedelta(seconds=5)
DEFAULT_MAX_RETRIES = 10


def backoff(failures: int) -> timedelta:
    """5 s, 10 s, 20 s, 40 s … up to an hour; the jitter is switched off."""
    return min(BASE * float(2 ** max(failures - 1, 0)), CAP)


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
    payload: dict[str, Any] = field(default_factory=dict)
    waits_for: set[int] = field(default_factory=set)  # of a WAITING job; an open batch: for itself
    # What is said when it is made, and shows in what becomes of it.
    born_at: datetime | None = field(default=None, compare=False)  # or revived
    attempted_at: datetime | None = field(default=None, compare=False)
    unique_for: timedelta | None = field(default=None, compare=False)
    timeout: timedelta | None = field(default=None, compare=False)
    died_at: datetime | None = field(default=None, compare=False)
    failed_since_revival: bool = field(default=False, compare=False)
    policy: str = field(default="wait", compare=False)

    def __post_init__(self) -> None:
        if self.unique_key is not None and self.unique_scope is None:
            self.unique_scope = self.queue

    @property
    def retries_used_up(self) -> bool:
        allowed = DEFAULT_MAX_RETRIES if self.max_retries is None else self.max_retries
        return self.attempts > allowed

    def lease_until(self, end: datetime) -> datetime:
        """When a lease ends that is asked for until then."""
        assert self.attempted_at is not None
        return end if self.timeout is None else min(end, self.attempted_at + self.timeout + GRACE)

    def timed_out(self, now: datetime) -> bool:
        assert self.attempted_at is not None
        return self.timeout is not None and now >= self.attempted_at + self.timeout


@dataclass
class Model:
    now: datetime
    jobs: dict[int, Record] = field(default_factory=dict)
    paused: set[str] = field(default_factory=set)
    draining: bool = False
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
        job = self.jobs[job_id]
        return job if job.status == "PROCESSING" and job.lease == lease else None

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

    def fail(self, job: Record, *, retryable: bool, delay: timedelta) -> None:
        self.failed[job.queue] += 1
        job.errors += 1
        job.failed_since_revival = True
        if job.cancel_asked:
            self.cancel(job)
        elif not retryable or job.retries_used_up:
            job.died_at = self.now
            self._end(job, "DEAD", "dead_jobs")
        else:
            self._put_back(job, self.now + delay)

    def lose_expired(self) -> list[Record]:
        """What a tick takes away from workers that are late."""
        lost = [
            job
            for job in self.jobs.values()
            if job.status == "PROCESSING" and job.lease_expires_at < self.now  # type: ignore[operator]
        ]
        for job in lost:
            # The loss of a worker is not the job's fault: at first it comes back at once.
            failures = job.attempts if job.timed_out(self.now) else job.attempts - 1
            delay = backoff(failures) if failures > 0 else timedelta(0)
            self.fail(job, retryable=True, delay=delay)
        return lost

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

    def revive(self, job: Record) -> bool:
        """Back to PENDING, unless a live job has its key."""
        if self.holder(job.unique_key, job.unique_scope) is not None:
            return False
        job.place, job.status = "jobs", "PENDING"
        job.attempts, job.scheduled_at, job.born_at = 0, self.now, self.now
        job.revivals += 1
        job.failed_since_revival = False
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
        job.status, job.place = status, place
        job.lease_expires_at = job.progress = None
        job.waits_for = set()
        for child in self.children(job.id):
            if job.id not in child.waits_for:
                continue  # cancelled with another one of these
            if status == "COMPLETED" or child.policy == "run":
                self.no_longer_waits_for(child, job.id)
            elif child.policy == "cancel":
                self.cancel(child)
