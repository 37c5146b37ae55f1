"""The model: what a job is, as plain records, and what the contract says becomes of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

LIVE = ("PENDING", "PROCESSING")
BASE = timedelta(seconds=5)
CAP = timedelta(hours=1)
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

    @property
    def retries_used_up(self) -> bool:
        allowed = DEFAULT_MAX_RETRIES if self.max_retries is None else self.max_retries
        return self.attempts > allowed


@dataclass
class Model:
    now: datetime
    jobs: dict[int, Record] = field(default_factory=dict)
    paused: bool = False
    completed: int = 0
    cancelled: int = 0
    failed: int = 0

    def holder(self, key: str | None) -> Record | None:
        """The live job that has this key."""
        live = (job for job in self.jobs.values() if job.status in LIVE and key is not None)
        return next((job for job in live if job.unique_key == key), None)

    def owned(self, job_id: int, lease: UUID) -> Record | None:
        """The job, where the lease is the current one of a running job."""
        job = self.jobs[job_id]
        return job if job.status == "PROCESSING" and job.lease == lease else None

    def next_up(self, count: int) -> list[Record]:
        due = [
            job
            for job in self.jobs.values()
            if job.status == "PENDING" and job.scheduled_at <= self.now and not self.paused
        ]
        due.sort(key=lambda job: (-job.priority, job.scheduled_at, job.id))
        return due[:count]

    def claim(self, job: Record, lease: UUID, length: timedelta) -> None:
        job.status = "PROCESSING"
        job.attempts += 1
        job.lease = lease
        job.lease_expires_at = self.now + length

    def complete(self, job: Record) -> None:
        self._end(job, "COMPLETED", "history")
        self.completed += 1

    def fail(self, job: Record, *, retryable: bool, delay: timedelta) -> None:
        self.failed += 1
        job.errors += 1
        if job.cancel_asked:
            self.cancel(job)
        elif not retryable or job.retries_used_up:
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
            delay = backoff(job.attempts - 1) if job.attempts > 1 else timedelta(0)
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
        self._end(job, "CANCELLED", "history")
        self.cancelled += 1

    def revive(self, job: Record) -> bool:
        """Back to PENDING, unless a live job has its key."""
        if self.holder(job.unique_key) is not None:
            return False
        job.place, job.status = "jobs", "PENDING"
        job.attempts, job.scheduled_at = 0, self.now
        job.revivals += 1
        job.cancel_asked, job.lease = False, None
        return True

    def _put_back(self, job: Record, scheduled_at: datetime) -> None:
        job.status, job.scheduled_at = "PENDING", scheduled_at
        job.lease = job.lease_expires_at = job.progress = None

    def _end(self, job: Record, status: str, place: str) -> None:
        job.status, job.place = status, place
        job.lease_expires_at = job.progress = None
