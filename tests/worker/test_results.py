"""What handlers return and raise, however hostile, arrives in SQL."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from forge import Forge, Job, PermanentError, RetryLater, Snooze, current_job, job_context
from tests.database import Database

pytestmark = pytest.mark.anyio

Handler = Callable[[Job], Any]


async def run(db: Database, function: Handler, payload: object = None) -> dict[str, Any]:
    """Runs one job with the function as its handler; the job afterwards."""
    async with Forge(db.dsn) as forge:
        forge.handler("it")(function)
        id = await forge.enqueue("it", payload)
        await forge.run_worker({"default": 2}, drain=True, grace=1)
    (row,) = db.rows("select * from forge.all_jobs where id = %s", id)
    return row


def raising(error: BaseException) -> Handler:
    async def handler(job: Job) -> None:
        raise error

    return handler


def returning(value: Any) -> Handler:
    async def handler(job: Job) -> Any:
        return value

    return handler


async def test_the_result_is_kept(db: Database) -> None:
    row = await run(db, returning({"sent": ["a", 1, None]}))
    assert (row["status"], row["result"]) == ("COMPLETED", {"sent": ["a", 1, None]})


async def test_a_failure_keeps_its_text_type_and_traceback(db: Database) -> None:
    row = await run(db, raising(ValueError("no such address")))
    (error,) = row["errors"]
    assert (row["status"], row["attempts"]) == ("PENDING", 1)
    assert (error["error"], error["error_type"]) == ("no such address", "ValueError")
    assert error["traceback"].startswith("Traceback (most recent call last)")
    assert error["worker"]


async def test_a_permanent_error_goes_to_the_dead_letter_queue(db: Database) -> None:
    row = await run(db, raising(PermanentError("never")))
    assert (row["status"], row["attempts"]) == ("DEAD", 1)
    assert row["errors"][0]["error_type"] == "forge.errors.PermanentError"


async def test_retry_later_names_its_delay(db: Database) -> None:
    row = await run(db, raising(RetryLater("busy", timedelta(hours=3))))
    assert (row["status"], row["attempts"]) == ("PENDING", 1)
    assert timedelta(hours=2.9) < row["scheduled_at"] - row["created_at"] < timedelta(hours=3.1)


async def test_a_snooze_counts_no_attempt(db: Database) -> None:
    row = await run(db, raising(Snooze(timedelta(hours=3))))
    assert (row["status"], row["attempts"], row["errors"]) == ("PENDING", 0, [])
    assert row["scheduled_at"] - row["created_at"] > timedelta(hours=2.9)


class Mute(Exception):
    def __str__(self) -> str:
        raise RuntimeError("and this raises too")


@pytest.mark.parametrize(
    ("error", "start", "end"),
    [
        (ValueError("nul \x00 in it"), "nul \ufffd in it", ""),
        (ValueError("half \ud83d of it"), "half ? of it", ""),
        (ValueError("a" * 10_000_000 + "end"), "aaaa", "aend"),
        (ValueError("\x00" * 10_000_000), "\ufffd\ufffd", "\ufffd"),
        (Mute(), "(the error's text could not be read)", ""),
        (ValueError(), "ValueError", ""),
        (SystemExit(3), "3", ""),
        (KeyboardInterrupt(), "KeyboardInterrupt", ""),
        (StopAsyncIteration("odd"), "odd", ""),
        (ExceptionGroup("many", [ValueError(str(n)) for n in range(5_000)]), "many", ""),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else "",
)
async def test_failing_never_fails(
    db: Database, error: BaseException, start: str, end: str
) -> None:
    row = await run(db, raising(error))
    (kept,) = row["errors"]
    assert kept["error"].startswith(start)
    assert kept["error"].endswith(end)
    assert len(kept["error"]) <= 8_000
    assert len(kept["traceback"]) <= 16_000


@pytest.mark.parametrize(
    ("value", "why"),
    [
        (object(), "unsupported"),
        ("\ud800", "surrogates"),
        ("x" * 1_048_576, "1048576 are allowed"),
        ({(1, 2): 3}, "keys"),
    ],
    ids=["object", "surrogate", "large", "keys"],
)
async def test_a_result_that_cannot_be_stored_completes_with_a_note(
    db: Database, value: object, why: str
) -> None:
    row = await run(db, returning(value))
    assert row["status"] == "COMPLETED"
    assert why in row["result"]["forge_result_error"]


async def test_a_nul_in_a_result_is_replaced(db: Database) -> None:
    row = await run(db, returning({"a": "x\x00y", "b": "\\u0000"}))
    assert row["result"] == {"a": "x\ufffdy", "b": "\\u0000"}


@pytest.mark.parametrize("text", ["[" * 5_000 + "]" * 5_000, "1" * 6_000])
async def test_a_payload_that_cannot_be_read_dies_alone(db: Database, text: str) -> None:
    async with Forge(db.dsn) as forge:
        forge.handler("it")(returning(None))
        query = "select forge.enqueue('it', %s::jsonb) as id"
        bad = db.value(query, text)
        good = db.value(query, "{}")
        await forge.run_worker(drain=True)
    query = "select status from forge.all_jobs where id = %s"
    assert (db.value(query, bad), db.value(query, good)) == ("DEAD", "COMPLETED")


async def test_a_plain_function_runs_in_a_thread_that_knows_its_job(db: Database) -> None:
    def handler(job: Job) -> dict[str, bool]:
        return {"same": current_job() is job and not job_context().cancelled.is_set()}

    assert (await run(db, handler))["result"] == {"same": True}


async def test_a_plain_function_around_an_async_one_is_awaited(db: Database) -> None:
    inner = returning("inner")
    assert (await run(db, lambda job: inner(job)))["result"] == "inner"


async def test_a_failure_in_a_thread_is_kept(db: Database) -> None:
    def handler(job: Job) -> None:
        raise StopIteration("odd")

    assert "odd" in (await run(db, handler))["errors"][0]["error"]


async def test_progress_is_kept_while_the_job_runs(db: Database) -> None:
    async with Forge(db.dsn) as forge:

        @forge.handler("it")
        async def handler(job: Job) -> Any:
            await forge.progress(job, 0.5, "half")
            view = await forge.job(job.id)
            assert view is not None
            return [view.progress, view.progress_note]

        id = await forge.enqueue("it")
        await forge.run_worker(drain=True)
    assert db.value("select result from forge.history where id = %s", id) == [0.5, "half"]


async def test_a_handler_may_complete_its_job_in_its_own_transaction(db: Database) -> None:
    db.rows("create table mail (sent text)")
    async with Forge(db.dsn) as forge:

        @forge.handler("it")
        async def handler(job: Job) -> None:
            async with forge.transaction() as conn:
                await conn.execute("insert into mail values ('once')")
                await forge.complete(job, "mine", connection=conn)

        id = await forge.enqueue("it")
        await forge.run_worker(drain=True)
    assert db.value("select result from forge.history where id = %s", id) == "mine"
    assert db.value("select count(*) from mail") == 1


async def test_a_transaction_that_is_rolled_back_completes_nothing(db: Database) -> None:
    db.rows("create table mail (sent text)")
    async with Forge(db.dsn) as forge:

        @forge.handler("it")
        async def handler(job: Job) -> None:
            async with forge.transaction() as conn:
                await conn.execute("insert into mail values ('once')")
                await forge.complete(job, connection=conn)
                raise ValueError("after all, no")

        id = await forge.enqueue("it")
        await forge.run_worker(drain=True)
    (row,) = db.rows("select * from forge.all_jobs where id = %s", id)
    assert (row["status"], len(row["errors"])) == ("PENDING", 1)
    assert db.value("select count(*) from mail") == 0
