"""A hundred thousand keys: a claim reads of the few that it serves, whatever the others do."""

from __future__ import annotations

import secrets
from collections.abc import Iterator

import pytest

from tests.database import Conn, Database
from tests.plans.backlog import Reader, reading

KEYS = 100_000
FREE = 200  # keys with something to start, in each queue
TABLES = ("jobs", "turns", "lines", "starts")
# As _enqueue leaves them, and as claims do where a key is full: no turn.
FILL = """
with made as (
    insert into forge.jobs (
        scheduled_at, created_at, priority, attempts, status, queue, type, payload,
        concurrency_key, aside, lease, lease_expires_at
    )
    select
        forge.now() + %(offset)s::interval + i * interval '1 microsecond', forge.now(), 0,
        (s.status = 'PROCESSING')::integer, s.status, %(queue)s, 't', '{}', %(prefix)s || i, true,
        case when s.status = 'PROCESSING' then gen_random_uuid() end,
        case when s.status = 'PROCESSING' then forge.now() + interval '1 hour' end
    from generate_series(1, %(keys)s) as i, unnest(%(statuses)s::text[]) as s (status)
    returning id, queue, concurrency_key, scheduled_at
),
lined as (
    insert into forge.lines (queue, key, id) select queue, concurrency_key, id from made
)
insert into forge.turns (queue, key, turn_at)
select queue, concurrency_key, min(scheduled_at) from made
where %(turns)s group by queue, concurrency_key
"""


def fill(connection: Conn, queue: str, keys: int, **named: object) -> None:
    values = {"offset": "-1 minute", "prefix": "k", "statuses": ["PENDING"], "turns": True, **named}
    connection.execute(FILL.encode(), {"queue": queue, "keys": keys, **values})


@pytest.fixture(scope="module", params=["fresh", "of empty tables"])
def crowd(request: pytest.FixtureRequest, server: str, template: str) -> Iterator[Database]:
    """Queues `due`, `ahead` and `full`, each with so many keys, and a few that are free."""
    database = Database(server, f"{template}_{secrets.token_hex(4)}")
    database.create(template)
    try:
        with database.connect(autocommit=False) as connection:
            for table in TABLES:
                connection.execute(
                    f"alter table forge.{table} set (autovacuum_enabled = off)".encode()
                )
            if request.param == "of empty tables":
                connection.execute("analyze")
            for queue in ("due", "ahead", "full"):
                connection.execute(
                    "select forge.set_limits(%s, max_running => %s, rate => 100000,"
                    " key_max_running => 1, key_rate => 5)",
                    # what runs is counted up to this: it is not what is looked at here
                    (queue, None if queue == "full" else 1000),
                )
                connection.execute("update forge.queues set lanes = null")
            fill(connection, "due", KEYS)
            fill(connection, "ahead", KEYS, offset="1 day")
            fill(connection, "full", KEYS, statuses=["PROCESSING", "PENDING"], turns=False)
            for queue in ("ahead", "full"):
                fill(connection, queue, FREE, prefix="free")
            connection.execute("update forge.limits set settled = true")
            if request.param == "fresh":
                connection.execute("analyze")
        yield database
    finally:
        database.drop()


@pytest.fixture
def reader(crowd: Database) -> Iterator[Reader]:
    with reading(crowd) as session:
        yield session


def read(reader: Reader) -> dict[str, int]:
    """Entries read of each table that grows with jobs or keys."""
    found = dict.fromkeys(TABLES, 0)
    for name, count in reader.reads.tuples.items():
        for table in TABLES:
            if name == table or name.startswith(f"{table.removesuffix('s')}_"):
                found[table] += count
    assert not reader.reads.whole_tables & set(TABLES)
    return found


@pytest.mark.parametrize("max_jobs", [1, 100])
@pytest.mark.parametrize("queue", ["due", "ahead", "full"])
def test_a_claim_reads_a_few_entries_a_key_that_it_serves(
    reader: Reader, queue: str, max_jobs: int
) -> None:
    call = "select * from forge.dequeue(%(queue)s, max_jobs => %(max_jobs)s)"

    jobs = reader.run(call, queue=queue, max_jobs=max_jobs)

    assert len({job["concurrency_key"] for job in jobs}) == max_jobs
    assert max(read(reader).values()) <= 40 * max_jobs + 40


@pytest.mark.parametrize("queue", ["ahead", "full"])
def test_a_claim_finds_out_quickly_that_no_key_has_anything_to_start(
    reader: Reader, queue: str
) -> None:
    reader.setup("select count(*) from forge.dequeue(%(q)s, max_jobs => 500)", q=queue)

    assert reader.run("select * from forge.dequeue(%(q)s, max_jobs => 500)", q=queue) == []

    # the claim before is part of this transaction, and leaves its dead rows in it
    assert read(reader)["turns"] <= 10 * FREE


def test_claim_after_claim_stays_cheap_when_the_plans_are_generic(reader: Reader) -> None:
    for _ in range(8):
        reader.run("select * from forge.dequeue('due', max_jobs => 2)")

    assert max(read(reader).values()) <= 200


@pytest.mark.parametrize(
    "call",
    [
        "select forge.complete(%(id)s, %(lease)s)",
        "select forge.fail(%(id)s, %(lease)s, 'no')",
        "select forge.release(%(id)s, %(lease)s)",
        "select forge.cancel(%(id)s)",
        "select forge.enqueue('t', queue => 'full', concurrency_key => 'k7')",
        "select * from forge.explain(%(pending)s)",
    ],
    ids=lambda call: call.partition("forge.")[2].partition("(")[0],
)
def test_a_call_about_one_job_of_a_full_key_reads_of_that_key(reader: Reader, call: str) -> None:
    (job,) = reader.setup(
        "select r.id, r.lease, p.id as pending from forge.jobs as r"
        " join forge.jobs as p on p.concurrency_key = r.concurrency_key and p.queue = r.queue"
        " where r.queue = 'full' and r.status = 'PROCESSING' and p.status = 'PENDING' limit 1"
    )

    reader.run(call, **job)

    assert max(read(reader).values()) <= 40


def test_parking_looks_at_a_few_turns(reader: Reader) -> None:
    due = reader.run("select forge.park(array['due', 'ahead', 'full']) as queue")
    reader.setup("select forge.unpark()")

    assert sorted(row["queue"] for row in due) == ["ahead", "due", "full"]
    assert read(reader)["turns"] <= 10
