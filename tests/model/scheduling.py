"""The machine for schedules: said, said again, paused, run by hand, over jumps of the clock."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import invariant, precondition, rule

from tests.model.base import Base
from tests.model.records import LIVE, Record
from tests.model.timetable import Schedule

CRONS = ["*/5 * * * *", "17 * * * *", "0 */6 * * mon-fri", "every 7 minutes", "every 3000 minutes"]
NAMES = st.sampled_from(["one", "two"])
FAR = timedelta(minutes=10**6)


class Scheduling(Base):
    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.schedules: dict[str, Schedule] = {}

    @rule(
        name=NAMES,
        cron=st.sampled_from(CRONS),
        catch_up=st.sampled_from(["skip", "one", "all"]),
        limit=st.integers(1, 3),
        grace=st.sampled_from([0, 60, 3600]),
        overlap=st.sampled_from(["allow", "skip", "queue"]),
        starts=st.sampled_from([None, None, -600, 500, 100000]),
        again=st.booleans(),
    )
    def say(
        self,
        name: str,
        cron: str,
        catch_up: str,
        limit: int,
        grace: int,
        overlap: str,
        starts: int | None,
        again: bool,
    ) -> None:
        old = self.schedules.get(name)
        if again and old is not None:
            cron = old.cron
        starts_at = None if starts is None else self.model.now + timedelta(seconds=starts)
        named = {"catch_up": catch_up, "catch_up_limit": limit, "overlap": overlap}
        named |= {"grace": timedelta(seconds=grace), "starts_at": starts_at}
        self.call("schedule", name=name, cron=cron, type="t", max_retries=0, **named)
        begins = starts_at or self.model.now
        new = Schedule(cron, begins, catch_up, limit, timedelta(seconds=grace), overlap)
        new.next_at = new.next_time(self.model.now)
        if old is not None:
            self.go_on(new, old, starts_at)
        self.schedules[name] = new

    def go_on(self, new: Schedule, old: Schedule, starts_at: datetime | None) -> None:
        """The same name again: as long as its times stay, so does its next run."""
        if new.cron == old.cron and starts_at in (None, old.starts_at):
            new.starts_at, new.next_at = old.starts_at, old.next_at
        new.paused, new.queued_at, new.last_at = old.paused, old.queued_at, old.last_at
        new.skipped, new.jobs = old.skipped, old.jobs
        if new.paused:
            new.next_at = None

    @rule(name=NAMES, how=st.sampled_from(["pause", "resume", "resume", "run", "run", "remove"]))
    def steer(self, name: str, how: str) -> None:
        function = {"run": "run_schedule", "remove": "unschedule"}.get(how, f"{how}_schedule")
        schedule = self.schedules.get(name)
        if schedule is None:
            self.refused("JQ007", function, name=name)
            return
        (row,) = self.call(function, "enqueue", name=name)
        match how:
            case "pause":
                schedule.pause()
            case "resume":
                schedule.resume(self.model.now)
            case "remove":
                del self.schedules[name]
            case "run":
                schedule.last_at = self.model.now
                self.add(schedule, row["run_schedule"])

    def add(self, schedule: Schedule, job_id: int) -> None:
        assert job_id not in self.model.jobs
        self.model.jobs[job_id] = Record(job_id, 0, self.model.now, None, 0)
        schedule.jobs.append(job_id)

    @rule(seconds=st.sampled_from([0, 1, 61, 300, 4000, 90000]), ticks=st.integers(0, 3))
    def wait(self, seconds: int, ticks: int) -> None:
        self.by = set()
        self.model.now = self.clock.advance(seconds=seconds)
        for _ in range(ticks):
            self.tick()
            self.rows_are_those_of_the_model()

    def tick(self) -> None:
        self.call("tick")
        self.by.add("enqueue")
        self.model.lose_expired()
        for name, schedule in self.schedules.items():
            live = any(self.model.jobs[id].status in LIVE for id in schedule.jobs)
            made = schedule.runs(self.model.now, live)
            for run in made:
                (row,) = self.new_jobs(name)[:1]
                assert row["nominal_at"] == run
                self.add(schedule, row["id"])
            assert self.new_jobs(name) == []

    def new_jobs(self, name: str) -> list[dict[str, Any]]:
        """Those that the model does not know yet."""
        query = """
            select j.id, (j.extra).nominal_at
            from forge.jobs as j
            where (j.extra).schedule = %s
            order by j.id
        """
        rows = self.connection.execute(query, [name]).fetchall()
        return [row for row in rows if row["id"] not in self.model.jobs]

    @precondition(lambda self: self.model.jobs)
    @rule(count=st.integers(1, 3), end=st.booleans())
    def work(self, count: int, end: bool) -> None:
        length = timedelta(hours=1)
        self.accept(self.call("dequeue", max_jobs=count, lease=length), count, length)
        self.rows_are_those_of_the_model()
        for claim in [claim for claim in self.claims if end and self.model.owned(*claim)]:
            job = self.model.owned(*claim)
            assert job is not None
            self.call("complete", id=claim[0], lease=claim[1])
            self.model.complete(job)
            self.rows_are_those_of_the_model()

    @invariant()
    def schedules_are_those_of_the_model(self) -> None:
        rows = self.connection.execute("select * from forge.list_schedules()").fetchall()
        found = {
            row["name"]: (
                row["starts_at"],
                row["next_at"],
                row["paused_at"] is not None,
                row["queued_at"],
                row["last_at"],
                (row["skipped_at"], row["skipped_because"]) if row["skipped_at"] else None,
                row["last_error"],
            )
            for row in rows
        }
        expected = {
            name: (one.starts_at, one.next_at, one.paused, one.queued_at, one.last_at, one.skipped)
            for name, one in self.schedules.items()
        }
        assert found == {name: (*values, None) for name, values in expected.items()}
