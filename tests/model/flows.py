"""Rules for batches, and for jobs of one call that wait for each other."""

from __future__ import annotations

import json

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from tests.model.keyed import Keyed
from tests.model.records import LIVE, Record
from tests.model.wishes import Wish, wishes


class Flowing(Keyed):
    @rule(
        how=st.sampled_from(["open", "close", "close", "in one call"]),
        pick=st.integers(0, 255),
        policy=st.sampled_from([None, "cancel", "wait"]),
    )
    def batch(self, how: str, pick: int, policy: str | None) -> None:
        options = json.dumps({"on_parent_failure": policy} if policy else {})
        match how:
            case "open":
                self.open_batch(options, policy)
            case "close" if self.batches:
                self.close_batch(pick)
            case "in one call":
                self.enqueue_batch(1 + pick % 2, options, policy)

    @precondition(lambda self: len(self.model.jobs) < 30)
    @rule(chain=st.lists(wishes(), min_size=2, max_size=3))
    def add_a_chain(self, chain: list[Wish]) -> None:
        """Each job of the call waits for the one before it."""
        jobs = []
        for place, wish in enumerate(chain):
            wish.on_conflict = wish.debounce = wish.debounce_max = None
            job = wish.arguments(self.model.now)
            job["payload"] = wish.payload
            job["handle"] = f"h{place}"
            if place:
                job["depends_on"] = [f"h{place - 1}"]
            jobs.append({name: self.said(value) for name, value in job.items()})
        answer = self.call("enqueue_many", "enqueue", jobs=json.dumps(jobs))
        ids: list[int] = []
        for wish, row in zip(chain, answer, strict=True):
            wish.depends_on = ids[-1:]
            assert row["created"] == (row["id"] not in self.model.jobs)
            self.enqueued(wish, row["id"])
            ids.append(row["id"])

    def said(self, value: object) -> object:
        return value if isinstance(value, int | list | dict) else str(value)

    def open_batch(self, options: str, policy: str | None) -> None:
        (row,) = self.call("open_batch", type="t", options=options)
        self.callback(row["open_batch"], policy).waits_for = {row["open_batch"]}

    def callback(self, job_id: int, policy: str | None) -> Record:
        assert job_id not in self.model.jobs
        made = {"status": "WAITING", "born_at": self.model.now, "policy": policy or "run"}
        job = Record(job_id, 0, self.model.now, None, None, **made)  # type: ignore[arg-type]
        self.model.jobs[job_id] = job
        self.batches.append(job_id)
        return job

    def close_batch(self, pick: int) -> None:
        jobs = [self.model.jobs[id] for id in self.batches]
        ended = [job for job in jobs if job.status not in LIVE and pick % 2 == 0]
        chosen = ended or jobs
        job = chosen[-1 - pick // 2 % len(chosen)]
        before = job.status
        if before not in LIVE:
            self.refused("JQ004", "close_batch", id=job.id)
            return
        (row,) = self.call("close_batch", id=job.id)
        if self.is_open(job):
            self.model.no_longer_waits_for(job, job.id)
        assert (row["from_status"], row["to_status"]) == (before, job.status)

    def enqueue_batch(self, count: int, options: str, policy: str | None) -> None:
        jobs = json.dumps([{"type": "t"}] * count)
        named = {"jobs": jobs, "type": "t", "options": options}
        (row,) = self.call("enqueue_batch", "enqueue", **named)
        self.by.add("open_batch")
        batch = self.callback(row["enqueue_batch"], policy)
        for parent in self.call("parents", "enqueue", id=batch.id):
            job = Record(parent["id"], 0, self.model.now, None, None, born_at=self.model.now)
            self.model.jobs[job.id] = job
            batch.waits_for.add(job.id)
        self.by.add("open_batch")
        assert len(batch.waits_for) == count
