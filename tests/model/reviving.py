"""Rules for revivals: dead jobs that come back bit by bit, at a rate, after a canary."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from math import floor

from hypothesis import strategies as st
from hypothesis.stateful import rule

from tests.model.base import START, Base
from tests.model.records import Record
from tests.model.wishes import QUEUES

LATE = timedelta(minutes=2)


@dataclass
class Revival:
    id: int
    queue: str | None
    rate: float | None
    max_jobs: int
    canary: list[int]
    status: str
    after: int
    revived: int
    began_at: datetime
    worked_at: datetime
    credit: float = 0
    kept: int = 0

    @property
    def goes_on(self) -> bool:
        return self.status in ("CANARY", "RUNNING")


class Reviving(Base):
    revivals: list[Revival]
    worked_off_at: datetime = START

    @rule(
        queue=st.none() | st.sampled_from(QUEUES),
        rate=st.sampled_from([None, 0.5, 2.0]),
        canary=st.sampled_from([None, 1, 2]),
        max_jobs=st.integers(1, 3),
        cancel=st.integers(0, 5),
    )
    def revive_many(
        self, queue: str | None, rate: float | None, canary: int | None, max_jobs: int, cancel: int
    ) -> None:
        if cancel == 0 and self.revivals:
            self.cancel_revival(self.revivals[-1])
        elif rate is not None or canary is not None:
            self.begin_revival(queue, rate, canary, max_jobs)

    def begin_revival(
        self, queue: str | None, rate: float | None, canary: int | None, max_jobs: int
    ) -> None:
        named = {"queue": queue, "rate": rate, "canary": canary, "max_jobs": max_jobs}
        answer = self.call("retry_dead", "retry", canary_within=LATE, **named)
        first = canary or min(max_jobs, max(floor(rate or 0), 1))
        dead = [job for job in self.dead(queue, -1) if self.comes_free(job)][:first]
        back = [job.id for job in dead if self.model.revive(job)]
        assert sorted(row["id"] for row in answer) == back
        if not dead:
            return
        status = "CANARY" if canary else "DONE" if len(dead) < first else "RUNNING"
        self.revivals.append(
            Revival(
                answer[0]["revival"],
                queue,
                rate,
                max_jobs,
                back if canary else [],
                status,
                dead[-1].id,
                len(back),
                self.model.now,
                self.model.now,
                kept=len(dead) - len(back),
            )
        )

    def dead(self, queue: str | None, after: int) -> list[Record]:
        jobs = (job for job in self.model.jobs.values() if job.place == "dead_jobs")
        found = [job for job in jobs if job.id > after and queue in (None, job.queue)]
        return sorted(found, key=lambda job: job.id)

    def comes_free(self, job: Record) -> bool:
        return self.model.holder(job.unique_key, job.unique_scope) is None

    def cancel_revival(self, revival: Revival) -> None:
        if revival.goes_on:
            revival.status = "CANCELLED"
        (row,) = self.call("cancel_revival", "cancel", id=revival.id)
        assert row["status"] == revival.status

    def work_off_revivals(self) -> None:
        """What a tick does, once in a second."""
        if self.model.now - self.worked_off_at < timedelta(seconds=0.9):
            return
        self.worked_off_at = self.model.now
        for revival in self.revivals:
            if revival.status == "CANARY":
                self.judge(revival)
            elif revival.status == "RUNNING":
                self.step(revival)
            if revival.goes_on:
                revival.worked_at = self.model.now
        self.by.add("retry")

    def judge(self, revival: Revival) -> None:
        jobs = [self.model.jobs[id] for id in revival.canary]
        revival.worked_at = self.model.now
        if any(job.status in ("DEAD", "CANCELLED") or job.failures for job in jobs):
            revival.status = "STOPPED"
        elif all(job.status == "COMPLETED" for job in jobs):
            revival.status = "RUNNING"
        elif self.model.now >= revival.began_at + LATE:
            revival.status = "STOPPED"

    def step(self, revival: Revival) -> None:
        most = revival.max_jobs
        if revival.rate is not None:
            passed = (self.model.now - revival.worked_at).total_seconds()
            earned = revival.credit + revival.rate * passed
            revival.credit = min(earned, 2 * revival.rate + 1)
            most = min(most, floor(revival.credit))
        if most < 1:
            return
        left = self.dead(revival.queue, revival.after)
        meant = [job for job in left if job.died_at is not None and job.died_at <= revival.began_at]
        found = meant[:most]
        back = [job for job in sorted(found, key=self.by_key) if self.model.revive(job)]
        revival.credit -= len(back)
        revival.revived += len(back)
        revival.kept += len(found) - len(back)
        if len(found) < most or found[-1] is left[-1]:
            revival.status = "DONE"
        if left:
            revival.after = found[-1].id if len(found) == most else left[-1].id

    def by_key(self, job: Record) -> tuple[str, str, int]:
        return (job.unique_scope or "", job.unique_key or "", job.id)

    def revivals_are_those_of_the_model(self) -> None:
        rows = self.call("list_revivals")[::-1]
        found = [(row["id"], row["status"], row["revived"], row["kept"]) for row in rows]
        assert found == [(one.id, one.status, one.revived, one.kept) for one in self.revivals]
