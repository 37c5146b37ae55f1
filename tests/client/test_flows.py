"""Flows, batches and conditions from Python."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from forge import Forge
from forge.errors import InvalidArgument, JobNotFound, WrongStatus
from forge.models import Parent
from tests.database import Database

pytestmark = pytest.mark.anyio


@pytest.fixture
async def forge(db: Database) -> AsyncIterator[Forge]:
    async with Forge(db.dsn) as made:
        yield made


async def finish(forge: Forge, *results: object) -> None:
    for result in results:
        (job,) = await forge.dequeue()
        await forge.complete(job, result)


async def test_a_handler_goes_on_from_the_results_of_its_parents(forge: Forge) -> None:
    first, second = await forge.enqueue("page"), await forge.enqueue("page")
    child = await forge.enqueue("book", depends_on=(first, second), on_parent_failure="run")
    await finish(forge, {"words": 3}, {"words": 4})
    (job,) = await forge.dequeue()

    assert job.id == child
    parents = await forge.parents(job.id)
    assert [parent.result for parent in parents] == [{"words": 3}, {"words": 4}]
    assert await forge.parents(job.id, after=first, max_rows=1) == [
        Parent(id=second, type="page", status="COMPLETED", result={"words": 4}, error=None)
    ]


async def test_a_flow_by_handles(forge: Forge) -> None:
    rows = await forge.enqueue_many(
        [{"type": "page", "handle": "p"}, {"type": "book", "depends_on": ["p"]}]
    )
    await finish(forge, None, None)
    found = [await forge.job(row.id) for row in rows]
    assert [job.status for job in found if job] == ["COMPLETED", "COMPLETED"]


async def test_a_batch(db: Database, forge: Forge) -> None:
    batch = await forge.open_batch("report", {"m": 1}, queue="reports", options={"priority": 3})
    for _ in range(2):
        await forge.enqueue("page", batch=batch)
    change = await forge.close_batch(batch)
    assert (change.from_status, change.to_status) == ("WAITING", "WAITING")
    with pytest.raises(WrongStatus):
        await forge.enqueue("page", batch=batch)
    await finish(forge, None, None)
    (callback,) = await forge.dequeue("reports")
    assert (callback.id, callback.payload, callback.priority) == (batch, {"m": 1}, 3)

    with pytest.raises(JobNotFound):
        await forge.close_batch(2**60)
    with pytest.raises(InvalidArgument):
        await forge.open_batch("report", options={"color": 1})


async def test_a_batch_in_one_call(forge: Forge) -> None:
    batch = await forge.enqueue_batch([{"type": "page"}, {"type": "page"}], "report", {"m": 1})
    await finish(forge, 1, 2)
    (callback,) = await forge.dequeue()
    assert callback.id == batch
    assert [parent.result for parent in await forge.parents(batch)] == [1, 2]


async def test_a_condition_is_looked_at_by_a_tick_from_python(db: Database, forge: Forge) -> None:
    deadline = datetime.now(UTC) + timedelta(hours=1)
    job_id = await forge.run_when(
        "report",
        "exists (select from forge.queues where queue = 'ready')",
        {"m": 1},
        every=timedelta(seconds=1),
        deadline=deadline,
        on_deadline="cancel",
    )
    await forge.tick()
    (row,) = await forge.list_conditions()
    assert (row.id, row.looks, row.error) == (job_id, 1, None)
    assert (row.every, row.deadline) == (timedelta(seconds=1), deadline)
    assert await forge.list_conditions(after=job_id, max_rows=1) == []

    await forge.pause("ready")
    db.rows("update forge_test.clock set shift = shift + '2 seconds'")
    done = {result.task for result in await forge.tick()}
    assert {"conditions_unguarded", "conditions_met"} <= done
    (job,) = await forge.dequeue()
    assert job.id == job_id


async def test_a_time_without_a_zone_is_refused_wherever_it_stands(forge: Forge) -> None:
    naive = datetime(2030, 1, 1)
    with pytest.raises(InvalidArgument):
        await forge.open_batch("report", options={"scheduled_at": naive})
    with pytest.raises(InvalidArgument):
        await forge.enqueue_batch([{"type": "t", "scheduled_at": naive}], "report")
    with pytest.raises(InvalidArgument):
        await forge.run_when("report", "true", deadline=naive)
