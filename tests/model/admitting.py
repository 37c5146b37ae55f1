"""The machine for admission: full queues that reject, defer and drop; payloads held to a schema."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from tests.model.machine import Machine
from tests.model.records import LIVE, Record
from tests.model.wishes import QUEUES
from tests.model.working import picks, priorities, starts

LATER = timedelta(seconds=60)
SCHEMA = {"properties": {"n": {"maximum": 5}}}
payloads = st.sampled_from([{}, {"n": 1}, {"n": 7}, {"bad": True}])


@dataclass
class Admission:
    """Of one queue: what the last look saw, and what has come in since."""

    max_depth: int
    on_full: str = "reject"
    depth: int = 0
    sampled_at: datetime | None = None

    def counts(self, due: datetime, now: datetime) -> bool:
        """Whether a job counts; what was put off does not have the next one put off."""
        return self.on_full != "defer" or due <= now

    def has_room(self) -> bool:
        """Counts the job, also one that is refused then."""
        self.depth += 1
        return self.depth <= self.max_depth


class Admitting(Machine):
    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.admissions: dict[str, Admission] = {}
        self.schema = self.check = False

    @rule(
        queue=st.sampled_from([QUEUES[0], *QUEUES]),
        max_depth=st.sampled_from([None, 1, 2, 3, 4]),
        on_full=st.sampled_from([None, "reject", "defer", "drop_oldest"]),
    )
    def admit(self, queue: str, max_depth: int | None, on_full: str | None) -> None:
        unset = [] if max_depth else ["max_depth"]
        unset += [] if on_full else ["on_full"]
        named = {"max_depth": max_depth, "on_full": on_full, "unset": unset}
        (row,) = self.call("set_admission", queue=queue, **named)
        if max_depth is None:
            self.admissions.pop(queue, None)
        else:
            self.admissions[queue] = Admission(max_depth, on_full or "reject")
            self.look(queue)
            assert row["depth"] == self.admissions[queue].depth
        assert row["max_depth"] == max_depth

    def look(self, queue: str) -> None:
        admission = self.admissions[queue]
        jobs = [job for job in self.model.jobs.values() if job.queue == queue]
        waiting = [job for job in jobs if job.status == "PENDING"]
        counted = sum(admission.counts(job.scheduled_at, self.model.now) for job in waiting)
        admission.depth = min(counted, admission.max_depth)
        admission.sampled_at = self.model.now

    @rule(schema=st.booleans(), check=st.booleans())
    def hold_payloads(self, schema: bool, check: bool) -> None:
        self.call("set_schema", type="t", schema=json.dumps(SCHEMA) if schema else None)
        self.call("set_check", type="t", function_name="public.is_good" if check else None)
        self.schema, self.check = schema, check

    def is_allowed(self, payload: dict[str, Any]) -> bool:
        too_much = self.schema and payload.get("n", 0) > 5
        return not too_much and not (self.check and "bad" in payload)

    @rule(
        queue=st.sampled_from([QUEUES[0], *QUEUES]),
        payload=payloads,
        priority=priorities,
        delay=starts,
        count=st.sampled_from([1, 1, 2, 3]),
    )
    def add_to_queue(
        self, queue: str, payload: dict[str, Any], priority: int, delay: timedelta, count: int
    ) -> None:
        due = self.model.now + delay
        job = {"type": "t", "queue": queue, "priority": priority, "scheduled_at": due.isoformat()}
        if count == 1:
            named = job | {"payload": json.dumps(payload), "scheduled_at": due}
            self.enqueue_some("enqueue", named, payload, 1)
        else:
            jobs = json.dumps([job | {"payload": payload}] * count)
            wanted = job | {"scheduled_at": due}
            self.enqueue_some("enqueue_many", wanted, payload, count, jobs=jobs)

    def enqueue_some(
        self, function: str, job: dict[str, Any], payload: dict[str, Any], count: int, **named: str
    ) -> None:
        """Jobs that are all alike."""
        code = self.refusal(job["queue"], job["scheduled_at"], payload, count)
        if code is not None:
            self.refused(code, function, **(named or job))
            return
        rows = self.call(function, "enqueue", **(named or job))
        self.by.add("cancel")  # the oldest, by who comes in
        for row in rows:
            job_id = row["id"] if function == "enqueue_many" else row["enqueue"]
            self.take_in(job_id, job, payload)

    def enqueue(
        self, key: str | None, priority: int, delay: timedelta, max_retries: int | None
    ) -> None:
        due = self.model.now + delay
        if self.model.holder(key) is None:
            job = {"type": "t", "queue": QUEUES[0], "priority": priority, "scheduled_at": due}
            if key is not None:
                job["unique_key"] = key
            self.enqueue_some("enqueue", job | {"max_retries": max_retries}, {}, 1)

    def refusal(self, queue: str, due: datetime, payload: dict[str, Any], count: int) -> str | None:
        """Also notes what came in: a refused job counts until the next look."""
        if not self.is_allowed(payload):
            return "JQ014"
        admission = self.admissions.get(queue)
        if admission is None or not admission.counts(due, self.model.now):
            self.places = [True] * count
            return None
        self.places = []
        while len(self.places) < count:
            self.places.append(admission.has_room())
            if not self.places[-1] and admission.on_full == "reject":
                return "JQ013"
        return None

    def take_in(self, job_id: int, said: dict[str, Any], payload: dict[str, Any]) -> None:
        assert job_id not in self.model.jobs
        due, key = said["scheduled_at"], said.get("unique_key")
        job = Record(job_id, said["priority"], due, key, said.get("max_retries"))
        job.queue, job.payload, job.born_at = said["queue"], payload, self.model.now
        job.unique_scope = job.queue if key else None
        if not self.places.pop(0):
            if self.admissions[job.queue].on_full == "defer":
                job.scheduled_at = self.model.now + LATER
            else:
                self.drop_oldest(job.queue)
        self.model.jobs[job_id] = job

    def drop_oldest(self, queue: str) -> None:
        """Of the jobs of the lowest priority that which has been due for longest."""
        waiting = [
            job
            for job in self.model.jobs.values()
            if job.queue == queue and job.status == "PENDING"
        ]
        if waiting:
            oldest = min(waiting, key=lambda job: (job.priority, job.scheduled_at, job.id))
            oldest.errors += 1
            self.model.cancel(oldest)

    @precondition(lambda self: self.model.jobs)
    @rule(pick=picks, payload=payloads)
    def edit_payload(self, pick: int, payload: dict[str, Any]) -> None:
        job = self.job(pick)
        named = {"id": job.id, "payload": json.dumps(payload)}
        if job.status not in LIVE:
            self.refused("JQ004", "edit", **named)
        elif not self.is_allowed(payload):
            self.refused("JQ014", "edit", **named)
        else:
            self.call("edit", **named)
            job.payload = payload

    def tick(self) -> None:
        super().tick()
        for row in self.call("list_admissions", "tick"):
            admission = self.admissions[row["queue"]]
            if row["sampled_at"] != admission.sampled_at:  # seldom, where a look takes long
                self.look(row["queue"])
            assert row["depth"] == min(admission.depth, admission.max_depth)
