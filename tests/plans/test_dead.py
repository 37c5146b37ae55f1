"""What the dead-letter queue reads: the jobs of one error, or each job once."""

from __future__ import annotations

import secrets
from collections.abc import Iterator

import pytest

from tests.database import Database
from tests.plans.backlog import Reader, reading

GRAVES = 20_000
GROUPS = 20
WINDOW = 1000  # of ids, in which a filter looks at once
STEP = 5000  # the same for a step of a revival

BURY = """
insert into forge.dead_jobs (
    id, scheduled_at, created_at, finished_at, priority, attempts, revivals, status, queue, type,
    payload, fingerprint
)
select
    nextval('forge.job_id_seq'), forge.now(), forge.now(), forge.now(), 0, 1, 0, 'DEAD', 'graves',
    't', '{}', i %% %(groups)s::integer
from generate_series(1, %(n)s) as i
"""
COUNT = """
insert into forge.dead_tallies (at, queue, type, fingerprint, jobs)
select finished_at, queue, type, fingerprint, 1 from forge.dead_jobs where queue = 'graves'
"""


@pytest.fixture(scope="module", params=["fresh", "of an empty table"])
def graves(request: pytest.FixtureRequest, server: str, template: str) -> Iterator[Database]:
    """Twenty errors, each of a thousand jobs; with statistics of now, or of before them."""
    database = Database(server, f"{template}_{secrets.token_hex(4)}")
    database.create(template)
    try:
        if request.param != "fresh":
            database.rows("analyze forge.dead_jobs")
        database.rows(BURY, n=GRAVES, groups=GROUPS)
        database.rows(COUNT)
        database.rows("select forge._add_dead_tallies()")
        if request.param == "fresh":
            database.rows("analyze")
        yield database
    finally:
        database.drop()


@pytest.fixture
def dead(graves: Database) -> Iterator[Reader]:
    with reading(graves) as session:
        yield session


def read(reader: Reader) -> int:
    """Entries read of the dead-letter queue, by whatever way; no way is through all of it."""
    assert "dead_jobs" not in reader.reads.whole_tables
    return sum(n for name, n in reader.reads.tuples.items() if name.startswith("dead_job"))


def test_groups_read_one_job_each(dead: Reader) -> None:
    rows = dead.run("select * from forge.dead_groups()")

    assert [row["jobs"] for row in rows] == [GRAVES // GROUPS] * GROUPS
    assert read(dead) <= 4 * GROUPS


@pytest.mark.parametrize(
    "call", ["retry_dead(dry_run => true,", "retry_dead(", "discard_dead(", "list_dead("]
)
def test_the_jobs_of_an_error_are_found_by_its_index(dead: Reader, call: str) -> None:
    most = "max_rows" if call == "list_dead(" else "max_jobs"
    rows = dead.run(f"select id from forge.{call} fingerprint => '7', {most} => 100)")

    assert len(rows) == 100
    assert read(dead) <= 2 * WINDOW + 10 * 100


@pytest.mark.parametrize("call", ["retry_dead(dry_run => true,", "retry_dead(", "discard_dead("])
def test_a_filter_without_an_index_reads_each_job_once(dead: Reader, call: str) -> None:
    rows = dead.run(f"select id from forge.{call} queue => 'graves', tag => 'no such')")

    assert rows == []
    assert read(dead) <= 2 * GRAVES + 10 * WINDOW, dead.reads


def test_a_step_of_a_revival_reads_so_many_jobs_at_most(dead: Reader) -> None:
    for end in ("min", "max"):
        dead.setup(
            f"update forge.dead_jobs set tags = '{{wanted}}' "
            f"where id = (select {end}(id) from forge.dead_jobs where queue = 'graves')"
        )
    begin = "select id from forge.retry_dead(queue => 'graves', tag => 'wanted', canary => 1)"
    assert len(dead.setup(begin)) == 1
    dead.setup("update forge.revivals set status = 'RUNNING'")

    dead.run("select * from forge._work_off_revivals(forge.now())")

    # by old statistics the first look reads the whole index of the queue, and sorts
    assert STEP <= read(dead) <= 3 * STEP + GRAVES
    for _ in range(GRAVES // STEP):
        dead.setup("select * from forge._work_off_revivals(forge.now())")
    assert dead.setup("select status, revived from forge.revivals") == [
        {"status": "DONE", "revived": 2}
    ]
