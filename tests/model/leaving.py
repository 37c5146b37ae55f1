"""The machine for what goes for good: queues that are dropped, ended jobs whose time is over."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import rule

from tests.model.base import START
from tests.model.keyed import Keyed
from tests.model.machine import Machine
from tests.model.records import LIVE
from tests.model.wishes import QUEUES

DAY = timedelta(days=1)
WEEK = 7 * DAY


class Leaving(Keyed, Machine):
    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.batches = []
        self.history, self.dead = WEEK, None
        self.cleaned_up_at = START

    history: timedelta
    dead: timedelta | None

    def parents(self, picks: list[int]) -> list[int]:
        """What becomes of those whose parents go is known to the tests of flows."""
        return []

    @rule(queue=st.sampled_from(QUEUES), max_jobs=st.sampled_from([1, 2, 1000]))
    def drop(self, queue: str, max_jobs: int) -> None:
        for _ in range(10 + 4 * len(self.model.jobs)):
            (row,) = self.call("drop_queue", queue=queue, max_jobs=max_jobs)
            if row["drop_queue"]:
                break
        else:
            raise AssertionError("drop_queue never came to an end")
        gone = {job.id for job in self.model.jobs.values() if job.queue == queue}
        self.forget(gone)
        self.model.spent = [
            one for one in self.model.spent if one[0] != queue and one[3] not in gone
        ]
        for numbers in (self.model.completed, self.model.cancelled, self.model.failed):
            del numbers[queue]
        self.model.paused.discard(queue)
        self.keys_are_those_of_the_model()
        self.call("set_queue", queue=queue, retry_jitter=0)
        self.enqueue(None, 0, timedelta(0), None)  # there is always a job to do something to

    def forget(self, gone: set[int]) -> None:
        for job_id in gone:
            del self.model.jobs[job_id]

    @rule(
        history=st.sampled_from([None, DAY, 3 * DAY]),
        dead=st.sampled_from([None, timedelta(0), timedelta(hours=1), 2 * DAY]),
    )
    def keep_for(self, history: timedelta | None, dead: timedelta | None) -> None:
        unset = [] if history else ["history"]
        unset += [] if dead is not None else ["dead"]
        (row,) = self.call("set_retention", history=history, dead=dead, unset=unset)
        self.history, self.dead = history or WEEK, dead
        assert (row["history"], row["dead"]) == (self.history, dead)

    @rule(days=st.sampled_from([0.5, 1, 2, 8]))
    def let_days_go_by(self, days: float) -> None:
        self.by = set()
        self.model.now = self.clock.advance(days=days)
        self.tick()
        if not self.model.jobs:
            self.rows_are_those_of_the_model()
            self.enqueue(None, 0, timedelta(0), None)

    def tick(self) -> None:
        super().tick()
        if self.model.now - self.cleaned_up_at < timedelta(minutes=1):
            return
        self.cleaned_up_at = self.model.now
        gone = {job.id for job in self.model.jobs.values() if self.is_over(job.status, job)}
        self.forget(gone)

    def is_over(self, status: str, job: Any) -> bool:
        if status in LIVE:
            return False
        if job.place == "dead_jobs":
            return self.dead is not None and job.ended_at < self.model.now - self.dead
        return bool(job.ended_at < self.midnight(self.model.now - self.history))

    def midnight(self, at: datetime) -> datetime:
        """Whole days are dropped, those of UTC."""
        return at.replace(hour=0, minute=0, second=0, microsecond=0)

    def keys_are_those_of_the_model(self) -> None:
        rows = self.connection.execute(
            "select s.unique_scope, s.unique_key, s.until, s.id from forge.spent_keys as s "
            "where s.until > forge.now()"
        ).fetchall()
        expected = [one for one in self.model.spent if one[2] > self.model.now]
        assert sorted(tuple(row.values()) for row in rows) == sorted(expected)

    def teardown(self) -> None:
        try:
            self.keys_are_those_of_the_model()
        finally:
            super().teardown()
