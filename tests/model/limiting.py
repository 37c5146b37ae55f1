"""The machine for limits: caps, rates and order of queues and keys; all that is allowed is used."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import rule
from psycopg.rows import DictRow

from tests.model.editing import Editing
from tests.model.limits import PER, Limits
from tests.model.machine import Machine
from tests.model.records import Record
from tests.model.wishes import QUEUES
from tests.model.working import keys, priorities, retries, starts

caps = st.sampled_from([None, None, 1, 2, 3])


class Limiting(Editing, Machine):
    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.connection.execute("select setseed(0.5)")  # who goes first may be the toss of a coin
        self.limits = {queue: Limits() for queue in QUEUES}
        self.logs = {}
        self.heard_at = self.model.now

    @rule(
        queue=st.sampled_from([QUEUES[0], *QUEUES]),
        max_running=caps,
        rate=caps,
        key_max_running=caps,
        key_rate=caps,
        key_fifo=st.booleans(),
    )
    def limit(self, queue: str, **wanted: int | bool | None) -> None:
        unset = [name for name, value in wanted.items() if not value]
        pers = {"rate": "per", "key_rate": "key_per"}
        per = {pers[name]: PER for name in pers if wanted[name]}
        self.call("set_limits", queue=queue, **wanted, **per, unset=unset)
        started = self.limits[queue].started
        self.limits[queue] = Limits(**wanted, started=started)  # type: ignore[arg-type]

    @rule(
        concurrency_key=st.sampled_from(["x", "x", "y", "z"]),
        key=keys,
        priority=priorities,
        delay=starts,
        max_retries=retries,
        count=st.integers(1, 3),
    )
    def add_of_key(
        self,
        concurrency_key: str,
        key: str | None,
        priority: int,
        delay: timedelta,
        max_retries: int | None,
        count: int,
    ) -> None:
        for _ in range(count):
            due = self.model.now + delay
            holder = self.model.holder(key)
            named = {"priority": priority, "scheduled_at": due, "max_retries": max_retries}
            named |= {"unique_key": key, "concurrency_key": concurrency_key}
            (row,) = self.call("enqueue", type="t", **named)
            if holder is None:
                job = Record(row["enqueue"], priority, due, key, max_retries)
                job.concurrency_key, job.born_at = concurrency_key, self.model.now
                self.model.jobs[job.id] = job
            else:
                assert row["enqueue"] == holder.id

    @rule(
        waits=st.lists(st.sampled_from([0, 3, 6, 11]), min_size=2, max_size=5), ends=st.booleans()
    )
    def work_for_a_while(self, waits: list[int], ends: bool) -> None:
        """Claim after claim, as the windows of rates go by."""
        for seconds in waits:
            self.by = set()
            self.model.now = self.clock.advance(seconds=seconds)
            self.dequeue(3, timedelta(minutes=10))
            self.rows_are_those_of_the_model()
            if ends and any(self.model.owned(*claim) for claim in self.claims):
                self.complete(0)
                self.rows_are_those_of_the_model()

    def queue_to_claim_from(self, count: int) -> str:
        queues = QUEUES if count < 3 else QUEUES[::-1]
        return next((queue for queue in queues if self.model.next_up(1, queue)), queues[0])

    def accept(
        self, answer: list[DictRow], count: int, length: timedelta, queue: str = "default"
    ) -> None:
        """As many as the limits allow, and of each key those that go first."""
        limits = self.limits[queue]
        choices = limits.choices(self.model, queue)
        room = min(count, limits.room(self.model, queue))
        assert len(answer) == min(room, sum(map(len, choices.values())))
        claimed = [self.model.jobs[row["id"]] for row in answer]
        for key, jobs in choices.items():
            ids = {job.id for job in claimed if job.concurrency_key == key}
            assert ids == {job.id for job in jobs[: len(ids)]}, key
        for row, job in zip(answer, claimed, strict=True):
            self.model.claim(job, row["lease"], length)
            self.claims.append((job.id, row["lease"]))
            limits.note(self.model, job)

    def tick(self) -> None:
        super().tick()
        self.forget_silent_worker()

    def teardown(self) -> None:
        try:
            rows = self.connection.execute("select * from forge.list_limits()").fetchall()
            for row in rows:
                limits = self.limits[row["queue"]]
                assert (row["max_running"], row["rate"]) == (limits.max_running, limits.rate)
                jobs = self.model.jobs.values()
                running = sum(limits.runs(job, row["queue"]) for job in jobs)
                assert row["running"] in (None, running)
        finally:
            super().teardown()
