"""Enqueueing from Python: options, transactions, batches, and what is refused."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from forge import Forge, Job
from forge.db import connect
from forge.errors import DatabaseUnavailable, InvalidArgument, PayloadTooLarge
from tests.database import Database

pytestmark = pytest.mark.anyio


@pytest.fixture
async def forge(db: Database) -> AsyncIterator[Forge]:
    async with Forge(db.dsn) as made:
        yield made


async def test_every_option_arrives(db: Database, forge: Forge) -> None:
    at = datetime.now(UTC) + timedelta(hours=1)
    id = await forge.enqueue(
        "email",
        {"to": "a@b.c"},
        queue="mail",
        priority=10,
        scheduled_at=at,
        max_retries=5,
        unique_key="one",
        retry_base=timedelta(seconds=7),
        retry_factor=3.0,
        retry_cap=timedelta(minutes=7),
        retry_jitter=0.5,
        tags=("a", "b"),
    )
    (row,) = db.rows("select j.*, (j.extra).* from forge.jobs as j where id = %s", id)
    expected = {
        "type": "email",
        "payload": {"to": "a@b.c"},
        "queue": "mail",
        "priority": 10,
        "scheduled_at": at,
        "max_retries": 5,
        "unique_key": "one",
        "retry_base": timedelta(seconds=7),
        "retry_factor": 3.0,
        "retry_cap": timedelta(minutes=7),
        "retry_jitter": 0.5,
        "tags": ["a", "b"],
    }
    assert {name: row[name] for name in expected} == expected
    assert await forge.enqueue("email", queue="mail", unique_key="one") == id


async def test_what_is_not_given_is_left_to_sql(db: Database, forge: Forge) -> None:
    id = await forge.enqueue("email")
    (row,) = db.rows("select payload, queue, priority from forge.jobs where id = %s", id)
    assert row == {"payload": {}, "queue": "default", "priority": 0}


@pytest.mark.parametrize(
    "payload",
    [{"a": [1, 2.5, None, True, "ü\U0001f600"]}, [], "text", 0, False, 2**70, {"k": {"k": {}}}],
    ids=repr,
)
async def test_a_payload_comes_back_equal(forge: Forge, payload: Any) -> None:
    await forge.enqueue("email", payload)
    (job,) = await forge.dequeue()
    assert job.payload == payload


async def test_enqueue_joins_the_transaction_of_its_connection(db: Database, forge: Forge) -> None:
    conn = await connect(db.dsn)
    async with conn.transaction(force_rollback=True):
        await forge.enqueue("email", connection=conn)
    async with conn.transaction():
        await forge.enqueue("kept", connection=conn)
    await conn.close()
    assert [row["type"] for row in db.rows("select type from forge.jobs")] == ["kept"]


async def test_transaction_commits_own_writes_and_jobs_as_one(db: Database, forge: Forge) -> None:
    db.rows("create table users (name text)")

    async def sign_up(divisor: int) -> None:
        async with forge.transaction() as conn:
            await conn.execute("insert into users values ('ada')")
            await forge.enqueue("welcome", {"n": 1 // divisor}, connection=conn)

    with pytest.raises(ZeroDivisionError):
        await sign_up(0)
    assert db.value("select (select count(*) from users) + count(*) from forge.jobs") == 0
    await sign_up(1)
    assert db.value("select (select count(*) from users) + count(*) from forge.jobs") == 2


def test_code_without_asyncio_enqueues_in_its_own_transaction(db: Database) -> None:
    forge = Forge(db.dsn)
    with psycopg.connect(db.dsn) as conn:
        id = forge.enqueue_sync(conn, "email", {"n": 1}, priority=3)
        assert db.value("select count(*) from forge.jobs") == 0
    assert db.value("select priority from forge.jobs where id = %s", id) == 3
    with psycopg.connect(db.dsn) as conn, pytest.raises(InvalidArgument):
        forge.enqueue_sync(conn, "")


async def test_a_sync_connection_is_refused_with_a_hint(db: Database, forge: Forge) -> None:
    with psycopg.connect(db.dsn) as conn, pytest.raises(InvalidArgument, match="enqueue_sync"):
        await forge.enqueue("email", connection=conn)  # type: ignore[arg-type]


NAIVE = datetime(2030, 1, 1)


async def test_a_time_without_a_zone_is_refused(db: Database, forge: Forge) -> None:
    with pytest.raises(InvalidArgument, match="no time zone"):
        await forge.enqueue("email", scheduled_at=NAIVE)
    with pytest.raises(InvalidArgument, match="no time zone"):
        await forge.enqueue_many([{"type": "email", "scheduled_at": NAIVE}])
    with pytest.raises(InvalidArgument, match="no time zone"):
        await forge.retry_dead(died_before=NAIVE)
    assert db.value("select count(*) from forge.jobs") == 0


@pytest.mark.parametrize(
    "payload", [object(), {"a": {1: object()}}, "\ud800", {"a": "nul \x00"}, {(1, 2): 3}]
)
async def test_a_payload_that_is_no_json_is_refused(
    db: Database, forge: Forge, payload: object
) -> None:
    with pytest.raises(InvalidArgument):
        await forge.enqueue("email", payload)
    assert db.value("select count(*) from forge.jobs") == 0


async def test_a_payload_over_the_limit_is_refused(forge: Forge) -> None:
    with pytest.raises(PayloadTooLarge):
        await forge.enqueue("email", "x" * 1_048_577)


async def test_an_unknown_option_is_a_mistake_of_the_program(forge: Forge) -> None:
    with pytest.raises(TypeError, match="prioritty"):
        await forge.enqueue("email", prioritty=3)  # type: ignore[call-arg]
    with pytest.raises(InvalidArgument, match="prioritty"):
        await forge.enqueue_many([{"type": "email", "prioritty": 3}])


async def test_many_jobs_come_back_in_order(db: Database, forge: Forge) -> None:
    await forge.enqueue("a", unique_key="taken")
    later = datetime.now(UTC) + timedelta(hours=1)
    rows = await forge.enqueue_many(
        [
            {"type": "a", "payload": {"n": 1}, "retry_base": timedelta(seconds=90)},
            {"type": "b", "scheduled_at": later, "priority": 2},
            {"type": "c", "unique_key": "taken"},
        ]
    )
    assert [row.created for row in rows] == [True, True, False]
    query = (
        "select type, (extra).retry_base, scheduled_at = %s as later from forge.jobs where id = %s"
    )
    assert db.rows(query, later, rows[0].id) == [
        {"type": "a", "retry_base": timedelta(seconds=90), "later": False}
    ]
    assert db.rows(query, later, rows[1].id)[0]["later"] is True


async def test_a_stream_of_jobs_goes_in_by_batches(db: Database, forge: Forge) -> None:
    jobs = ({"type": "a", "payload": {"n": n}} for n in range(25))
    sizes = [len(rows) async for rows in forge.enqueue_stream(jobs, batch=10)]
    assert sizes == [10, 10, 5]
    assert db.value("select count(distinct payload) from forge.jobs") == 25


async def test_jobs_go_to_the_queue_that_their_handler_names(db: Database, forge: Forge) -> None:
    @forge.handler("report", queue="reports")
    async def report(job: Job) -> None:
        pass

    await forge.enqueue("report")
    await forge.enqueue("report", queue="else")
    await forge.enqueue_many([{"type": "report"}, {"type": "other"}])
    rows = db.rows("select queue from forge.jobs order by id")
    assert [row["queue"] for row in rows] == ["reports", "else", "reports", "default"]


async def test_a_deadlock_is_tried_once_more(db: Database, forge: Forge) -> None:
    db.rows(
        """
        create sequence tries;
        create function fall() returns trigger language plpgsql as $$
        begin
            if nextval('tries') = 1 then
                raise exception using errcode = '40P01', message = 'deadlock detected';
            end if;
            return new;
        end $$;
        create trigger fall before insert on forge.jobs for each row execute function fall();
        """
    )
    await forge.enqueue("email")
    assert db.value("select count(*) from forge.jobs") == 1


async def test_an_unreachable_database_is_told_as_such(db: Database) -> None:
    async with Forge("host=/nonexistent dbname=none") as forge:
        with pytest.raises(DatabaseUnavailable):
            async with forge.connection():
                pass


def test_making_a_forge_reads_and_connects_to_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", "no port")  # which reading the settings would not survive
    Forge()


async def test_a_type_has_one_handler(forge: Forge) -> None:
    forge.handler("a")(len)
    forge.handler("a")(len)
    with pytest.raises(InvalidArgument, match="one handler"):
        forge.handler("a")(repr)
