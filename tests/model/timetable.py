"""The model of schedules: which runs are due, and what becomes of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice, takewhile

from cronsim import CronSim


@dataclass
class Schedule:
    """What was said of it, and how far it came."""

    cron: str
    starts_at: datetime
    catch_up: str
    catch_up_limit: int
    grace: timedelta
    overlap: str
    next_at: datetime | None = None
    paused: bool = False
    queued_at: datetime | None = None
    last_at: datetime | None = None
    skipped: tuple[datetime, str] | None = None
    jobs: list[int] = field(default_factory=list)  # all of its runs

    def times(self, after: datetime) -> Iterator[datetime]:
        """All times after this one."""
        if self.cron.startswith("every "):
            step = timedelta(minutes=int(self.cron.split()[1]))
            passed = max((after - self.starts_at) // step, -1) + 1
            first = self.starts_at + passed * step
            yield from (first + number * step for number in range(10**6))
        else:
            begin = max(after, self.starts_at - timedelta(microseconds=1))
            yield from CronSim(self.cron, begin)

    def next_time(self, after: datetime) -> datetime:
        return next(self.times(after))

    def resume(self, now: datetime) -> None:
        if self.paused:
            self.paused, self.next_at = False, self.next_time(now)

    def pause(self) -> None:
        self.paused, self.next_at = True, None

    def due(self, now: datetime) -> list[datetime]:
        """The runs that are to be made now, the oldest first, as far as they are made up for."""
        runs = [self.queued_at] if self.queued_at is not None else []
        self.queued_at = None
        if self.next_at is None or self.next_at > now:
            return runs
        missed = self.next_at - timedelta(microseconds=1)
        late = list(takewhile(lambda time: time <= now, islice(self.times(missed), 100000)))
        self.next_at = self.next_time(now)
        most = self.catch_up_limit if self.catch_up == "all" else 1
        runs += late[-most:]
        if self.catch_up == "skip" and runs[-1] < now - self.grace:
            self.skipped = (runs.pop(), "late")
        return runs

    def runs(self, now: datetime, live: bool) -> list[datetime]:
        """Those of the due runs that become jobs; live: whether an earlier one is."""
        made = []
        for run in self.due(now):
            if self.overlap == "allow" or not live:
                made.append(run)
                self.last_at, live = run, True
            elif self.overlap == "queue" and self.queued_at is None:
                self.queued_at = run
            else:
                self.skipped = (run, "overlap")
        return made
