"""Dead rows that nobody may clean up: what a call reads does not grow with them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.database import Clock, Database
from tests.plans.backlog import Reader, fill, reading
from tests.procedures.calls import Calls

ENDED = 20_000
WAITING = 100


@pytest.fixture(scope="module")
def worn(server: str, template: str) -> Iterator[Database]:
    """Twenty thousand jobs have ended under an open snapshot, and a hundred wait behind them."""
    database = Database(server, f"{template}_worn")
    database.create(template)
    try:
        call = Calls(database.connect())
        call.select("alter table forge.jobs set (autovacuum_enabled = off)")
        snapshot = database.connect(autocommit=False)
        snapshot.execute("set transaction isolation level repeatable read")
        snapshot.execute("select from forge.jobs")
        fill(call.connection, "default", ENDED, offset="-1 hour")
        fill(call.connection, "default", WAITING)
        for _ in range(ENDED // 1000):
            jobs = call.rows("dequeue", max_jobs=1000, lease="1 second")
            ids, leases = [job["id"] for job in jobs], [job["lease"] for job in jobs]
            call.rows("complete_many", ids=ids, leases=leases)
        clock = Clock(database.connect())
        for _ in range(4):  # the last of them when every lease has ended for a while
            call.tick()
            clock.advance(seconds=10)
        yield database
    finally:
        database.drop()


@pytest.fixture
def reader(worn: Database) -> Iterator[Reader]:
    with reading(worn) as session:
        yield session


@pytest.mark.parametrize(
    "call",
    [
        "select * from forge.dequeue()",
        "select * from forge.exchange()",
        "select * from forge.park('{default}'); select forge.unpark()",
        "select * from forge.stats()",
        "select * from forge.list_workers()",
    ],
    ids=lambda call: call.partition("forge.")[2].partition("(")[0],
)
def test_a_call_reads_none_of_what_has_ended(reader: Reader, call: str) -> None:
    for statement in call.split("; "):
        reader.run(statement)

        assert "jobs" not in reader.reads.whole_tables
        assert reader.reads.jobs <= 3 * WAITING


def test_a_tick_reads_none_of_it_between_the_sweeps(reader: Reader) -> None:
    reader.setup("select * from forge.tick()")
    reader.setup("update forge.tick_tasks set done_at = forge.now() where task = 'all_leases'")
    reader.setup("update forge.tick_tasks set mark = 10 ^ 7 where task = 'sweep'")
    reader.setup(
        "update forge.tick_tasks set done_at = done_at - interval '1 second' where task = 'tallies'"
    )

    tasks = {row["task"] for row in reader.run("select * from forge.tick()")}

    assert "lanes" in tasks
    assert "jobs" not in reader.reads.whole_tables
    assert reader.reads.jobs <= 3 * WAITING
