"""Ten jobs, a hundred thousand, a million: the same sessions read the same few entries."""

from __future__ import annotations

import secrets
from collections.abc import Iterator

import pytest

from tests.database import Database
from tests.plans.backlog import Reader, reading

SIZES = (10, 100_000, 1_000_000)
# Five queues in turns; half of the jobs are ahead, and of a higher priority: to be stepped over.
GROW = """
insert into forge.jobs (
    scheduled_at, created_at, priority, attempts, status, queue, type, payload
)
select
    forge.now() + case when i %% 2 = 0 then interval '1 day' else interval '-1 minute' end,
    forge.now(), (i + 1) %% 2, 0, 'PENDING', 'q' || i %% 5, 't', '{}'
from generate_series(1 + (select count(*) from forge.jobs), %(jobs)s) as i
"""
A_FEW = 400  # a page has 50, of which one in five is of the queue that is asked for
CALLS = {
    "dequeue": "select * from forge.dequeue('q1', max_jobs => 1)",
    "exchange": "select * from forge.exchange(queue => 'q1', max_jobs => 1)",
    "tick": "select * from forge.tick()",
    "enqueue of a key that is taken": (
        "select forge.enqueue('t', unique_key => 'k', on_conflict => 'replace') "
        "from generate_series(1, 2)"
    ),
    "enqueue_many of keys that are taken": (
        "select e.* from generate_series(1, 2), forge.enqueue_many("
        '\'[{"type": "t", "unique_key": "k", "on_conflict": "merge"}]\') as e'
    ),
    "enqueue into a full queue": "select forge._lock_oldest('q1', 0)",
    "edit": "select forge.edit(forge.enqueue('t'), priority => 1)",
    "list_jobs": "select * from forge.list_jobs()",
    "list_jobs of a queue": "select * from forge.list_jobs(queue => 'q1')",
    "list_jobs of a status": "select * from forge.list_jobs(status => 'PENDING')",
}


@pytest.fixture(scope="module")
def growing(server: str, template: str) -> Iterator[Database]:
    database = Database(server, f"{template}_{secrets.token_hex(4)}")
    database.create(template)
    try:
        yield database
    finally:
        database.drop()


@pytest.fixture(scope="module")
def reader(growing: Database) -> Iterator[Reader]:
    """One session for all sizes: it keeps the plans that it made when there were ten jobs."""
    with reading(growing) as session:
        yield session


@pytest.fixture(scope="module", params=SIZES)
def size(request: pytest.FixtureRequest, growing: Database) -> int:
    """So many jobs in the table, with statistics of just so many."""
    jobs: int = request.param
    with growing.connect() as connection:
        connection.execute(GROW.encode(), {"jobs": jobs})
        connection.execute("vacuum (analyze) forge.jobs")
    return jobs


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS.keys())
def test_no_call_scans_or_sorts_what_grows(reader: Reader, size: int, call: str) -> None:
    """Whoever sorts a table has read it; so has whoever scans it."""
    for _ in range(8):  # a plan without the values comes into play after five calls
        reader.setup("delete from forge.tick_tasks where task <> 'statistics'")
        rows = reader.run(call)
        reader.connection.rollback()

        assert rows
        assert "jobs" not in reader.reads.whole_tables
        assert reader.reads.jobs <= A_FEW
