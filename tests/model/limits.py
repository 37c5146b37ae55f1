"""The model of limits: which jobs a claim may have, whatever order the keys take turns in."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from tests.model.records import Model, Record

PER = timedelta(seconds=10)


@dataclass
class Limits:
    """Of one queue; None: no limit."""

    max_running: int | None = None
    rate: int | None = None
    key_max_running: int | None = None
    key_rate: int | None = None
    key_fifo: bool = False
    started: list[tuple[datetime, str | None]] = field(default_factory=list)  # the key; None: any

    def lately(self, now: datetime, key: str | None) -> int:
        return sum(at > now - PER and of == key for at, of in self.started)

    def room(self, model: Model, queue: str) -> int:
        """How many may start in the queue."""
        running = [job for job in model.jobs.values() if self.runs(job, queue)]
        rooms = [10**6]
        if self.max_running is not None:
            rooms.append(self.max_running - len(running))
        if self.rate is not None:
            rooms.append(self.rate - self.lately(model.now, None))
        return max(min(rooms), 0)

    def room_of_key(self, model: Model, queue: str, key: str) -> int:
        jobs = [job for job in model.jobs.values() if job.concurrency_key == key]
        running = sum(self.runs(job, queue) for job in jobs)
        rooms = [10**6]
        if self.key_max_running is not None:
            rooms.append(self.key_max_running - running)
        if self.key_fifo:
            rooms.append(1 - running)
        if self.key_rate is not None:
            rooms.append(self.key_rate - self.lately(model.now, key))
        return max(min(rooms), 0)

    def runs(self, job: Record, queue: str) -> bool:
        return job.queue == queue and job.status == "PROCESSING"

    def choices(self, model: Model, queue: str) -> dict[str | None, list[Record]]:
        """Of each key, and of the jobs without one, those that may start, in their order."""
        due: dict[str | None, list[Record]] = defaultdict(list)
        for job in model.next_up(10**6, queue):
            due[job.concurrency_key].append(job)
        for key, jobs in due.items():
            if key is None:
                continue
            if self.key_fifo:
                jobs[:] = [job for job in jobs if job is self.head(model, queue, key)]
            del jobs[self.room_of_key(model, queue, key) :]
        return due

    def head(self, model: Model, queue: str, key: str) -> Record:
        """The first of a key, whether it is due or waits out its backoff."""
        line = [
            job
            for job in model.jobs.values()
            if (job.queue, job.concurrency_key, job.status) == (queue, key, "PENDING")
        ]
        return min(line, key=lambda job: job.id)

    def note(self, model: Model, job: Record) -> None:
        if self.rate is not None:
            self.started.append((model.now, None))
        if self.key_rate is not None and job.concurrency_key is not None:
            self.started.append((model.now, job.concurrency_key))
