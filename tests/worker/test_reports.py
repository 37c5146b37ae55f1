"""What handlers say while they run, from wherever they say it, arrives while they run."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest

from forge import Forge, Job, job_context
from forge.errors import InvalidArgument
from forge.worker.context import LEVELS
from tests.database import Database
from tests.worker.conftest import Gate, StartWorker
from tests.worker.processes import until

Enqueue = Callable[..., list[int]]


def lines(db: Database, id: int) -> list[Any]:
    rows = db.rows("select level, message, data from forge.job_log(%s, max_rows => 1000)", id)
    return [tuple(row.values()) for row in rows]


async def run(db: Database, work: Callable[[Job], Any], **options: Any) -> int:
    """Runs a job with that handler; its id."""
    async with Forge(db.dsn) as forge:
        forge.handler("it")(work)
        id = await forge.enqueue("it")
        await forge.run_worker({"default": 2}, drain=True, **options)
        return id


def test_others_see_it_while_the_job_runs(
    db: Database, start: StartWorker, enqueue: Enqueue, gate: Gate
) -> None:
    (id,) = enqueue("talk_thread")
    start()
    gate.wait_started(1)
    until(lambda: len(lines(db, id)) == 2, seconds=3)
    assert lines(db, id) == [
        ("info", "from the thread", {"n": 1}),
        ("debug", "from a helper", None),
    ]
    (row,) = db.rows("select status, progress, progress_note from forge.job(%s)", id)
    assert row == {"status": "PROCESSING", "progress": 0.25, "progress_note": "started"}
    gate.open()
    until(lambda: db.value("select status from forge.job(%s)", id) == "COMPLETED")
    assert lines(db, id)[-1] == ("error", "last word", None)


@pytest.mark.anyio
async def test_all_is_said_before_a_job_completes_or_fails(db: Database) -> None:
    async def work(job: Job) -> str:
        for n in range(10):
            job.log(f"line {n}")
        return "done"

    async def fails(job: Job) -> None:
        job.log("about to fail")
        raise ValueError("failed")

    done = await run(db, work)
    failed = await run(db, fails)
    assert [message for _, message, _ in lines(db, done)] == [f"line {n}" for n in range(10)]
    assert db.value("select result from forge.job(%s)", done) == "done"
    assert lines(db, failed) == [("info", "about to fail", None)]
    assert db.value("select jsonb_array_length(errors) from forge.job(%s)", failed) == 1


@pytest.mark.anyio
async def test_hostile_lines_fail_no_job(db: Database) -> None:
    async def work(job: Job) -> None:
        job.log("nul \x00 and half \ud83d", data={"x": "\x00"})
        job.log("m" * 10_000, data=["x" * 10_000])
        job.log("no json", data=object())

    first, second, third = lines(db, await run(db, work))
    assert first == ("info", "nul \ufffd and half ?", {"x": "\ufffd"})
    assert len(second[1]) <= 4_000
    assert "4096 are kept" in second[2]["forge_data_error"]
    assert "unsupported" in third[2]["forge_data_error"]


@pytest.mark.anyio
async def test_lines_that_come_faster_than_they_go_are_counted(db: Database) -> None:
    db.rows("select forge.set_log(lines => 5000)")

    def work(job: Job) -> None:
        for n in range(3_000):
            job.log(f"line {n}")

    id = await run(db, work)
    count = db.value("select count(*) from forge.job_logs where job_id = %s", id)
    assert 1_000 < count < 3_010
    query = "select message from forge.job_logs where job_id = %s and level = 'warning'"
    assert all("lines were left out" in row["message"] for row in db.rows(query, id))


@pytest.mark.anyio
async def test_a_level_or_a_value_that_there_is_not_is_refused_at_once(db: Database) -> None:
    async def work(job: Job) -> None:
        with pytest.raises(InvalidArgument, match="level"):
            job.log("hm", level="loud")
        with pytest.raises(InvalidArgument, match="value"):
            job.progress(1.5)
        for level in LEVELS:
            job.log("fine", level=level)

    assert {level for level, _, _ in lines(db, await run(db, work))} == set(LEVELS)


@pytest.mark.anyio
async def test_a_job_that_no_worker_runs_cannot_talk(db: Database) -> None:
    async with Forge(db.dsn) as forge:
        await forge.enqueue("it")
        (job,) = await forge.dequeue()
        with pytest.raises(LookupError, match="no worker of this process"):
            job.log("hello")
        assert await forge.log(job, "one call a line", level="warning", data={"n": 1})
        (line,) = await forge.job_log(job.id)
        assert (line.level, line.message, line.attempt) == ("warning", "one call a line", 1)


@pytest.mark.anyio
async def test_a_thread_that_was_left_behind_says_nothing_more(db: Database) -> None:
    goes_on, ended = threading.Event(), threading.Event()

    def work(job: Job) -> None:
        context = job_context()
        context.cancelled.wait(10)
        goes_on.wait(10)
        job.log("too late")
        ended.set()

    async with Forge(db.dsn) as forge:
        forge.handler("it")(work)
        id = await forge.enqueue("it", max_retries=0)
        db.rows("select forge.set_type('it', timeout => '1 second')")
        await forge.run_worker(drain=True, unwind=0.1)
        goes_on.set()
        assert ended.wait(10)
    assert db.value("select status from forge.job(%s)", id) == "DEAD"
    assert lines(db, id) == []
