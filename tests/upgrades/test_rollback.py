"""Back to the previous release, with what jobs there are."""

from __future__ import annotations

from pathlib import Path

from forge.migrate import migrate, rollback
from tests.database import Database
from tests.migrations.conftest import catalog
from tests.upgrades.previous import Previous
from tests.worker.processes import WorkerProcess, until

# What this release added, in use.
USED = """
select forge.enqueue('kept', '{"n": 1}', unique_key => 'k', tags => array['t']);
select forge.enqueue('child', depends_on => array[(select min(id) from forge.jobs)]);
select forge.fail(j.id, j.lease, 'for good', retryable => false)
from forge.dequeue(worker => 'w', types => array['dies']) as j;
select forge.complete(j.id, j.lease, '{}')
from forge.dequeue(worker => 'w', types => array['ends']) as j;
select forge.create_token('viewer', 'wall');
select forge.register_worker('w', '{default}', '{kept}', 1, false);
select forge.drain_worker('w');
select forge.tick()
"""
JOBS = """
select id, status, payload, unique_key, tags, attempts from (
    select id, status, payload, unique_key, tags, attempts from forge.jobs
    union all
    select id, status, payload, unique_key, tags, attempts from forge.history
    union all
    select id, status, payload, unique_key, tags, attempts from forge.dead_jobs
) as j
order by id
"""


def test_each_migration_can_be_taken_back_and_the_jobs_stay(
    old_db: Database, server: str, old_template: str, previous: Previous
) -> None:
    before = catalog(old_db)
    for type in ("dies", "ends"):
        old_db.rows("select forge.enqueue(%s)", type)
    count = len(migrate(old_db.dsn).migrations)
    for statement in USED.split(";"):
        old_db.rows(statement.replace("%", "%%"))
    jobs = old_db.rows(JOBS)

    for _ in range(count):
        (taken_back,) = rollback(old_db.dsn).migrations
        assert old_db.rows(JOBS) == jobs, taken_back
    previous.run(old_db.dsn, "migrate")

    assert len(jobs) == 4
    assert catalog(old_db) == before
    migrate(old_db.dsn)
    assert old_db.rows(JOBS) == jobs
    assert old_db.value("select count(*) from forge.dequeue(worker => 'new')") == 1


def test_a_job_that_ends_while_the_functions_are_gone_ends_once(
    db: Database, tmp_path: Path
) -> None:
    make = "select forge.enqueue('gate', jsonb_build_object('at', %s::text))"
    first = db.value(make, str(tmp_path))
    worker = WorkerProcess(db.dsn, tmp_path / "log", "--queue", "default=1", "--lease", "60")
    try:
        until(lambda: list(tmp_path.glob(f"started-{first}-*")), why="the first job")
        rollback(db.dsn)
        (tmp_path / "open").touch()
        until(lambda: worker.said("JQ102"), why="the worker to miss the functions")
        assert worker.alive
        migrate(db.dsn)
        second = db.value(make, str(tmp_path))
        done = "select id, status, attempts from forge.list_jobs(status => 'COMPLETED') order by id"
        until(lambda: len(db.rows(done)) == 2, seconds=60, why="both jobs")
    finally:
        worker.kill()

    assert db.rows(done) == [
        {"id": id, "status": "COMPLETED", "attempts": 1} for id in (first, second)
    ]
