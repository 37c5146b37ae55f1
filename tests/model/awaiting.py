"""The machine for jobs that wait until an SQL condition holds, or until their deadline."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import rule

from tests.model.machine import Machine
from tests.model.records import Record
from tests.model.wishes import seconds

FACT = "exists (select from public.facts as f where f.holds)"
# Without the fact a look at it is an error, which is another way of not holding.
OR_ERROR = "1 / (select count(*) from public.facts as f where f.holds) = 1"


@dataclass
class Condition:
    text: str
    every: timedelta
    deadline: datetime | None
    on_deadline: str
    due_at: datetime
    looks: int = 0
    failed: bool = False


class Awaiting(Machine):
    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.conditions: dict[int, Condition] = {}
        self.fact = False

    @rule(
        text=st.sampled_from([FACT, FACT, OR_ERROR, "false"]),
        every=st.sampled_from([1, 60]),
        within=seconds(None, 5, 100, 4000),
        on_deadline=st.sampled_from(["dead", "dead", "run", "cancel"]),
    )
    def await_it(self, text: str, every: int, within: timedelta | None, on_deadline: str) -> None:
        deadline = None if within is None else self.model.now + within
        named: dict[str, Any] = {"every": timedelta(seconds=every), "deadline": deadline}
        named["on_deadline"] = on_deadline
        (row,) = self.call("run_when", type="t", condition=text, **named)
        job = Record(row["run_when"], 0, self.model.now, None, None, born_at=self.model.now)
        job.status, job.waits_for = "WAITING", {0}
        self.model.jobs[job.id] = job
        self.conditions[job.id] = Condition(
            text, timedelta(seconds=every), deadline, on_deadline, self.model.now
        )

    @rule(holds=st.booleans(), seconds=st.sampled_from([0, 1, 61, 3700]))
    def let_it_be_so(self, holds: bool, seconds: int) -> None:
        self.connection.execute("update public.facts set holds = %s", [holds])
        self.fact = holds
        self.by = set()
        self.model.now = self.clock.advance(seconds=seconds)
        self.tick()

    def tick(self) -> None:
        super().tick()
        # A tick spends about a second of real time on looks, and leaves the rest to the next one.
        for _ in range(20):
            if not self.connection.execute(
                "select from forge.conditions as c where c.due_at <= forge.now()"
            ).fetchall():
                break
            self.call("tick")
        for job_id, condition in self.waiting().items():
            if condition.due_at <= self.model.now:
                self.look(self.model.jobs[job_id], condition)
        self.conditions = self.waiting()
        self.conditions_are_those_of_the_model()

    def waiting(self) -> dict[int, Condition]:
        jobs = self.model.jobs
        return {id: one for id, one in self.conditions.items() if jobs[id].status == "WAITING"}

    def look(self, job: Record, condition: Condition) -> None:
        condition.looks += 1
        condition.failed = condition.text == OR_ERROR and not self.fact
        if self.fact and condition.text != "false":
            self.model.no_longer_waits_for(job, 0)
        elif condition.deadline is not None and condition.deadline <= self.model.now:
            self.miss(job, condition.on_deadline)

    def miss(self, job: Record, on_deadline: str) -> None:
        match on_deadline:
            case "run":
                self.model.no_longer_waits_for(job, 0)
            case "cancel":
                self.model.cancel(job)
            case "dead":
                self.model.miss(job)

    def conditions_are_those_of_the_model(self) -> None:
        rows = self.call("list_conditions", "tick")
        found = {row["id"]: row for row in rows if row["id"] in self.conditions}
        assert set(found) == set(self.conditions)
        for job_id, condition in self.conditions.items():
            row = found[job_id]
            assert (row["looks"], row["error"] is not None) == (condition.looks, condition.failed)
            if condition.due_at <= self.model.now:
                # Later, where the look took long in real time.
                next_at = self.model.now + condition.every
                assert row["due_at"] >= min(next_at, condition.deadline or next_at)
            condition.due_at = row["due_at"]
