"""Rules for what operators change of jobs, one by one and by filter; for logs and draining."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from tests.model.base import Base
from tests.model.records import LIVE, Record
from tests.model.wishes import QUEUES

SILENCE = timedelta(minutes=5)


class Editing(Base):
    logs: dict[int, list[tuple[int, str | None]]]  # the attempt, what was said; None: it is full
    heard_at: datetime
    most_lines = 1000

    @precondition(lambda self: self.model.jobs)
    @rule(
        pick=st.integers(0, 255),
        priority=st.none() | st.integers(-1, 1),
        seconds=st.none() | st.sampled_from([-10, 50]),
        to_queue=st.none() | st.sampled_from(QUEUES),
        retries=st.none() | st.integers(0, 2),
    )
    def edit(
        self,
        pick: int,
        priority: int | None,
        seconds: int | None,
        to_queue: str | None,
        retries: int | None,
    ) -> None:
        job = self.job(pick)
        due = None if seconds is None else self.model.now + timedelta(seconds=seconds)
        named: dict[str, object] = {"priority": priority, "scheduled_at": due, "to_queue": to_queue}
        named |= {"max_retries": retries, "unset": ["max_retries"] if retries is None else []}
        moves = num_given(due, to_queue) > 0
        if job.status not in LIVE or (moves and job.status == "PROCESSING"):
            self.refused("JQ004", "edit", id=job.id, **named)
            return
        if not self.has_room(job, to_queue):
            self.refused("JQ004", "edit", id=job.id, **named)
            return
        self.call("edit", id=job.id, **named)
        self.allowed[job.id] = max(self.allowed.get(job.id, 0), job.attempts)
        job.max_retries = retries
        if due is not None:
            job.scheduled_at = max(due, self.model.now)
        self.change(job, priority, to_queue, {})

    def has_room(self, job: Record, to_queue: str | None) -> bool:
        """Whether its key is free where it goes."""
        if to_queue is None or job.unique_key is None or job.unique_scope == "":
            return True
        holder = self.model.holder(job.unique_key, to_queue)
        return holder is None or holder is job

    def change(
        self, job: Record, priority: int | None, to_queue: str | None, merged: dict[str, Any]
    ) -> None:
        job.payload = job.payload | merged
        if priority is not None:
            job.priority = priority
        if to_queue is not None:
            job.queue = to_queue
            if job.unique_key is not None and job.unique_scope != "":
                job.unique_scope = to_queue

    def matching(self, count: int, queue: str | None, *statuses: str) -> list[Record]:
        """The first of those that a filter means."""
        found = [
            job
            for job in self.model.jobs.values()
            if job.status in statuses and queue in (None, job.queue)
        ]
        return sorted(found, key=lambda job: job.id)[:count]

    @rule(
        how=st.sampled_from(["edit", "edit", "cancel", "run now", "revive", "discard"]),
        queue=st.none() | st.sampled_from(QUEUES),
        to_queue=st.none() | st.sampled_from(QUEUES),
        count=st.integers(1, 6),
    )
    def change_many(self, how: str, queue: str | None, to_queue: str | None, count: int) -> None:
        named = {"queue": queue, "max_jobs": count}
        match how:
            case "edit":
                self.edit_jobs(count, queue, to_queue)
            case "cancel":
                (row,) = self.call("cancel_jobs", "cancel", **named)
                found = self.matching(count, queue, *LIVE)
                for job in found:
                    if job.status == "PROCESSING":
                        job.cancel_asked = True
                    elif job.status in LIVE:  # not cancelled already, with its parent
                        self.model.cancel(job)
                assert (row["matched"], row["changed"]) == (len(found), len(found))
            case "run now":
                (row,) = self.call("retry_jobs", "retry", **named)
                found = self.matching(len(self.model.jobs), queue, "PENDING")
                found = [job for job in found if job.scheduled_at > self.model.now][:count]
                for job in found:
                    job.scheduled_at = self.model.now
                assert (row["matched"], row["changed"]) == (len(found), len(found))
            case "revive":
                (row,) = self.call("retry_jobs", "retry", status="CANCELLED", **named)
                found = self.matching(count, queue, "CANCELLED")
                revived = sum(self.model.revive(job) for job in found)
                assert (row["matched"], row["changed"]) == (len(found), revived)
            case "discard":
                answer = self.call("discard_dead", "discard", **named)
                dead = self.matching(len(self.model.jobs), queue, "DEAD")
                found = [job for job in dead if job.place == "dead_jobs"][:count]
                assert sorted(row["id"] for row in answer) == [job.id for job in found]
                for job in found:
                    self.model.discard(job)

    def edit_jobs(self, count: int, queue: str | None, to_queue: str | None) -> None:
        named = {"queue": queue, "to_queue": to_queue, "max_jobs": count, "to_priority": 1}
        (row,) = self.call("edit_jobs", "edit", merge_payload='{"m": 1}', **named)
        found = self.matching(count, queue, "WAITING", "PENDING")
        changed = 0
        for job in found:
            if self.has_room(job, to_queue):
                self.change(job, 1, to_queue, {"m": 1})
                changed += 1
        assert (row["matched"], row["changed"]) == (len(found), changed)
        assert row["skipped"] == len(found) - changed

    @precondition(lambda self: self.claims)
    @rule(pick=st.integers(0, 255))
    def say(self, pick: int) -> None:
        claim, job = self.claimed(pick)
        if job is None:
            self.refused("JQ002", "log", **claim, message="late")
            return
        is_kept = self.note(job, str(pick))
        assert self.call("log", **claim, message=str(pick)) == [{"log": is_kept}]

    @precondition(lambda self: self.claims)
    @rule(
        picks=st.lists(st.integers(0, 255), min_size=1, max_size=3),
        progress=st.none() | st.sampled_from([0.25, 0.75]),
        most=st.sampled_from([2, 1000]),
    )
    def say_of_many(self, picks: list[int], progress: float | None, most: int) -> None:
        self.call("set_log", lines=most)
        self.most_lines = most
        claims, jobs = self.several(picks)
        reports = [
            {"id": id, "lease": str(lease), "progress": progress, "lines": [{"message": "many"}]}
            for id, lease in zip(claims["ids"], claims["leases"], strict=True)
        ]
        answer = self.call("report", "progress", reports=json.dumps(reports))
        expected = []
        for job_id, job in sorted(zip(claims["ids"], jobs, strict=True), key=lambda pair: pair[0]):
            if job is None:
                expected.append({"id": job_id, "reason": "lease_lost"})
                continue
            if job.cancel_asked:
                expected.append({"id": job_id, "reason": "cancel_requested"})
            job.progress = progress if progress is not None else job.progress
            self.note(job, "many")
        assert answer == expected

    def note(self, job: Record, message: str) -> bool:
        """A line of its log; the last one says that no more are kept."""
        lines = self.logs.setdefault(job.id, [])
        if len(lines) <= self.most_lines:
            full = len(lines) == self.most_lines
            lines.append((job.attempts, None if full else message))
            return not full
        return False

    @rule(how=st.sampled_from(["resume", "resume", "start anew", "drain"]))
    def drain(self, how: str) -> None:
        if how == "start anew":
            self.call("unregister_worker", worker="w")
        self.call("register_worker", worker="w", queues=list(QUEUES), liveness=False)
        resume = how != "drain"
        if how == "start anew":
            (row,) = self.call("list_workers")
        else:
            (row,) = self.call("resume_worker" if resume else "drain_worker", worker="w")
        self.model.draining, self.heard_at = not resume, self.model.now
        assert (row["draining_at"] is None) == resume
        held = [job for job in self.model.jobs.values() if job.status == "PROCESSING"]
        jobs = self.call("worker_jobs", worker="w")
        assert {row["id"] for row in jobs} == {job.id for job in held}

    def forget_silent_worker(self) -> None:
        """A worker that is gone does not drain."""
        if self.heard_at < self.model.now - SILENCE:
            self.model.draining = False

    def logs_are_those_of_the_model(self) -> None:
        for job_id, said in self.logs.items():
            lines = self.call("job_log", id=job_id)
            assert [line["attempt"] for line in lines] == [attempt for attempt, _ in said]
            for line, (_, message) in zip(lines, said, strict=True):
                is_last = "what comes after them is left out" in line["message"]
                assert is_last if message is None else line["message"] == message


def num_given(*values: object) -> int:
    return sum(value is not None for value in values)
