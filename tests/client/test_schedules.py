"""The methods of `Forge` for schedules."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from forge import Forge
from forge.errors import InvalidArgument, ScheduleNotFound
from tests.database import Clock, Database

pytestmark = pytest.mark.anyio


async def test_a_schedule_is_set_steered_and_removed(db: Database, clock: Clock) -> None:
    now = clock.set("2030-01-02T12:00:00Z")
    async with Forge(db.dsn) as forge:
        made = await forge.schedule(
            "s", "@hourly", "t", {"a": 1}, tags=("x",), timeout=timedelta(minutes=5)
        )
        assert (made.payload, made.tags, made.timeout) == ({"a": 1}, ["x"], timedelta(minutes=5))
        assert made.next_at == now + timedelta(hours=1)
        assert await forge.list_schedules() == await forge.list_schedules("s") == [made]
        assert await forge.next_runs(name="s", count=1) == [made.next_at]
        assert await forge.next_runs("@daily", 1) == [datetime(2030, 1, 3, tzinfo=UTC)]

        assert (await forge.pause_schedule("s")).paused_at == now
        job = await forge.job(await forge.run_schedule("s"))
        assert job is not None
        assert (job.schedule, job.nominal_at) == ("s", now)
        assert (await forge.resume_schedule("s")).next_at == made.next_at

        assert (await forge.unschedule("s")).last_job_id == job.id
        assert await forge.list_schedules() == []


async def test_a_handler_sees_the_schedule_and_the_nominal_time(db: Database, clock: Clock) -> None:
    clock.set("2030-01-02T12:00:00Z")
    seen = []
    async with Forge(db.dsn) as forge:

        @forge.handler("t", queue="mail")
        async def handle(job: object) -> None:
            seen.append((job.schedule, job.nominal_at))  # type: ignore[attr-defined]

        assert (await forge.schedule("s", "* * * * *", "t")).queue == "mail"
        due = clock.advance(minutes=1)
        db.rows("select forge.tick()")
        await forge.run_worker(drain=True)

    assert seen == [("s", due)]


async def test_errors_are_those_of_sql(db: Database) -> None:
    async with Forge(db.dsn) as forge:
        with pytest.raises(ScheduleNotFound):
            await forge.run_schedule("nobody")
        with pytest.raises(InvalidArgument):
            await forge.schedule("s", "nonsense", "t")
        with pytest.raises(InvalidArgument, match="no time zone"):
            await forge.schedule("s", "@daily", "t", starts_at=datetime(2030, 1, 1))
