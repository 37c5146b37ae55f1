"""Editing and admission from Python: arguments go out and rows come back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from forge import Forge
from forge.calls.filters import DeadFilter, JobFilter
from forge.errors import InvalidArgument, PayloadInvalid, QueueFull, UniqueConflict
from tests.database import Database

pytestmark = pytest.mark.anyio


async def test_jobs_are_edited_and_cancelled(db: Database) -> None:
    due = datetime(2040, 1, 1, tzinfo=UTC)
    async with Forge(db.dsn) as forge:
        id = await forge.enqueue("t", {"n": 1})
        job = await forge.edit(
            id, payload={"n": 2}, priority=3, scheduled_at=due, tags=("x",), unset=["max_retries"]
        )
        assert (job.payload, job.priority, job.scheduled_at) == ({"n": 2}, 3, due)
        assert job.tags == ["x"]
        batch = await forge.edit_jobs(payload_contains={"n": 2}, merge_payload={"m": 1})
        assert (batch.matched, batch.changed, batch.last_id, batch.more) == (1, 1, id, False)
        with pytest.raises(InvalidArgument):
            await forge.edit(id, scheduled_at=datetime(2040, 1, 1))
        assert (await forge.cancel_jobs(tag="x", dry_run=True)).matched == 1
        assert (await forge.cancel_jobs(tag="x")).changed == 1


async def test_what_is_not_taken_in_raises(db: Database) -> None:
    async with Forge(db.dsn) as forge:
        row = await forge.set_admission("q", max_depth=1, defer_for=timedelta(minutes=2))
        assert (row.max_depth, row.on_full, row.defer_for) == (1, "reject", timedelta(minutes=2))
        await forge.enqueue("t", queue="q")
        with pytest.raises(QueueFull) as full:
            await forge.enqueue("t", queue="q")
        assert full.value.retry_after == 1
        assert [row.queue for row in await forge.list_admissions()] == ["q"]

        await forge.set_schema("email", {"required": ["to"]})
        with pytest.raises(PayloadInvalid, match="rule=required"):
            await forge.enqueue("email")
        assert [row.type for row in await forge.list_payload_checks()] == ["email"]
        assert (await forge.set_schema("email", None)).schema is None
        assert (await forge.set_check("email", None)).function_name is None

        held = await forge.enqueue("t", unique_by=["type"], unique_for=timedelta(hours=1))
        with pytest.raises(UniqueConflict) as taken:
            await forge.enqueue("t", unique_by=["type"], on_conflict="raise")
        assert taken.value.detail == f"id={held}"


async def test_many_are_searched_counted_and_run_now(db: Database) -> None:
    async with Forge(db.dsn) as forge:
        later = datetime.now(UTC) + timedelta(days=1)
        made = await forge.enqueue("email", {"n": 1}, scheduled_at=later, tags=["x"])
        child = await forge.enqueue("email", depends_on=[made])
        filter: JobFilter = {"payload_contains": {"n": 1}, "tag": "x", "ids": [made]}
        page = await forge.search_jobs(**filter)
        assert (page.ids, page.next, page.searched_to) == ([made], None, None)
        assert [job.id for job in await forge.list_jobs(**filter)] == [made]
        assert (await forge.count_jobs(**filter)).count == 1
        assert [row.id for row in await forge.children(made)] == [child]
        assert (await forge.retry_jobs(**filter)).changed == 1

        job = (await forge.dequeue(worker="w"))[0]
        await forge.fail(job, "boom", retryable=False)
        dead: DeadFilter = {"payload": {"n": 1}, "error_contains": "BOOM", "died_before": later}
        assert (await forge.search_dead(**dead)).ids == [made]
        assert [row.id for row in await forge.list_dead(**dead)] == [made]
        assert (await forge.count_dead(**dead)).capped is False
        assert "concurrently" in (await forge.index_payloads(["jobs"]))[0]
