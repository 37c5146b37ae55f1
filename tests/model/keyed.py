"""Rules for what an enqueue may say: keys and what becomes of their holders; parents; batches."""

from __future__ import annotations

from datetime import datetime, timedelta

from hypothesis import strategies as st
from hypothesis.stateful import rule

from tests.model.records import LIVE, Record
from tests.model.wishes import Wish, wishes
from tests.model.working import Working


class Keyed(Working):
    batches: list[int]

    @rule(wish=wishes(), picks=st.lists(st.integers(0, 255), max_size=2), batch=st.booleans())
    def add_with_more(self, wish: Wish, picks: list[int], batch: bool) -> None:
        wish.depends_on = self.parents(picks)
        batches = [job for job in self.model.jobs.values() if job.id in self.batches]
        if batch and batches:
            # mostly one that is open
            chosen = [job for job in batches if self.is_open(job)] or batches
            wish.batch = chosen[len(self.seen) % len(chosen)].id
        self.enqueue_as(wish)

    @rule(wish=wishes(), seconds=st.sampled_from([0, 30, 90]))
    def say_again_once_it_is_done(self, wish: Wish, seconds: int) -> None:
        """A key may stay taken after the end of its job."""
        wish.key, wish.delay = wish.key or "a", wish.delay and timedelta(0)
        self.enqueue_as(wish)
        self.rows_are_those_of_the_model()
        holder = self.model.holder(wish.key, wish.scope)
        while holder is not None and holder in self.model.next_up(3, wish.queue):
            named = {"queue": wish.queue, "worker": "w", "max_jobs": 3}
            length = timedelta(minutes=10)
            self.accept(self.call("dequeue", **named, lease=length), 3, length, wish.queue)
            self.rows_are_those_of_the_model()
        if holder is not None and holder.status == "PROCESSING" and holder.lease is not None:
            self.call("complete", id=holder.id, lease=holder.lease)
            self.model.complete(holder)
            self.rows_are_those_of_the_model()
        self.by = set()
        self.model.now = self.clock.advance(seconds=seconds)
        self.enqueue_as(wish)

    def parents(self, picks: list[int]) -> list[int]:
        return sorted({self.parent(pick).id for pick in picks}) if self.model.jobs else []

    def parent(self, pick: int) -> Record:
        """One that lives, or one that has failed, which few have."""
        wanted = LIVE if pick % 2 else ("DEAD", "CANCELLED")
        found = [job for job in self.model.jobs.values() if job.status in wanted]
        return found[pick // 2 % len(found)] if found else self.job(pick)

    def is_open(self, job: Record) -> bool:
        return job.status == "WAITING" and job.id in job.waits_for

    def enqueue_as(self, wish: Wish) -> None:
        named = wish.arguments(self.model.now)
        code = self.refusal(wish)
        if code is not None:
            self.refused(code, "enqueue", **named)
            return
        (row,) = self.call("enqueue", **named)
        self.enqueued(wish, row["enqueue"])

    def enqueue(
        self, key: str | None, priority: int, delay: timedelta, max_retries: int | None
    ) -> None:
        self.enqueue_as(Wish(key=key, priority=priority, delay=delay, max_retries=max_retries))

    def refusal(self, wish: Wish) -> str | None:
        holder = self.model.holder(wish.key, wish.scope)
        _, spent = self.model.spent_by(wish.key, wish.scope)
        if wish.on_conflict == "raise" and (holder or spent) is not None:
            return "JQ012"
        if wish.batch is None:
            return None
        batch = self.model.jobs[wish.batch]
        stays = holder is not None and not self.gives_up(holder, wish)
        starts = {holder.id} if holder and stays else self.open_parents(wish)
        return "JQ004" if not self.is_open(batch) or wish.batch in self.awaited(starts) else None

    def open_parents(self, wish: Wish) -> set[int]:
        """What it has to wait for; where it is cancelled for one of them, that one too."""
        ended = {"COMPLETED"} | ({"DEAD", "CANCELLED"} if wish.policy == "run" else set())
        return {id for id in wish.depends_on if self.model.jobs[id].status not in ended}

    def awaited(self, ids: set[int]) -> set[int]:
        """These jobs, and all that they wait for."""
        found: set[int] = set()
        while ids:
            found |= ids
            ids = {up for id in ids for up in self.model.jobs[id].waits_for} - found
        return found

    def gives_up(self, holder: Record, wish: Wish) -> bool:
        """A job that runs has read its payload: what is said since must not be lost."""
        return holder.status == "PROCESSING" and wish.tells_more

    def enqueued(self, wish: Wish, job_id: int) -> None:
        """What an enqueue does, which came back with this id."""
        holder = self.model.holder(wish.key, wish.scope)
        if holder is not None and self.gives_up(holder, wish):
            holder.unique_key = holder.unique_scope = None
            holder = None
        _, spent = self.model.spent_by(wish.key, wish.scope)
        if holder is not None:
            assert job_id == holder.id
            self.meet(holder, wish)
        elif spent is not None and not wish.tells_more:
            assert job_id == spent
        else:
            assert job_id not in self.model.jobs
            self.make(wish, job_id)
        if wish.batch is not None and self.model.jobs[job_id].status in LIVE:
            self.model.jobs[wish.batch].waits_for.add(job_id)

    def due(self, wish: Wish) -> datetime:
        """Not before its key is free again."""
        free, _ = self.model.spent_by(wish.key, wish.scope)
        return max(wish.due(self.model.now), free)

    def meet(self, holder: Record, wish: Wish) -> None:
        if wish.debounce is not None:
            assert holder.born_at is not None
            due = wish.due(self.model.now)
            if wish.debounce_max is not None:
                due = min(due, holder.born_at + wish.debounce_max)
            holder.scheduled_at = max(holder.scheduled_at, due)
        elif wish.on_conflict == "replace":
            holder.scheduled_at = self.due(wish)
        if wish.on_conflict == "replace":
            holder.payload, holder.priority = wish.payload, wish.priority
        elif wish.on_conflict == "merge":
            holder.payload = holder.payload | wish.payload

    def make(self, wish: Wish, job_id: int) -> None:
        job = Record(
            job_id,
            wish.priority,
            self.due(wish),
            wish.key,
            wish.max_retries,
            queue=wish.queue,
            unique_scope=wish.scope if wish.key else None,
            payload=wish.payload,
            born_at=self.model.now,
            unique_for=wish.unique_for,
            timeout=wish.timeout,
            policy=wish.policy or "wait",
        )
        self.model.jobs[job_id] = job
        job.waits_for = self.open_parents(wish)
        if job.waits_for:
            job.status = "WAITING"
            failed = any(self.model.jobs[id].status not in LIVE for id in job.waits_for)
            if failed and wish.policy == "cancel":
                self.model.cancel(job)
