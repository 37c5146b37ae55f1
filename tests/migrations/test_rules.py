"""Migrations forward and back, one at a time, on made-up releases."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from forge.bookkeeping import MigrationError
from forge.migrate import LOCK_KEY, Report, migrate, rollback
from forge.sqlfiles import SqlFiles
from tests.database import Database
from tests.migrations.conftest import Release, function, functions
from tests.worker.processes import until


def test_a_failing_migration_keeps_the_ones_before_it(blank_db: Database, release: Release) -> None:
    bad = {"0002.good": "create table forge.good ();", "0003.bad": "create table forge.good ();"}

    with pytest.raises(MigrationError) as caught:
        migrate(blank_db.dsn, files=release(bad))
    report = migrate(blank_db.dsn, files=release(bad | {"0003.bad": "create table forge.x ();"}))

    assert caught.value.detail == '0003.bad: relation "good" already exists'
    assert report.migrations == ("0003.bad",)


def test_a_migration_and_its_mark_commit_together(blank_db: Database, release: Release) -> None:
    half = "create table forge.half (); select 1/0;"

    with pytest.raises(MigrationError, match="division by zero"):
        migrate(blank_db.dsn, files=release({"0002.half": half}))

    assert blank_db.value("select to_regclass('forge.half')") is None


def test_an_index_can_be_built_concurrently(blank_db: Database, release: Release) -> None:
    sql = "-- transactional: false\ncreate index concurrently job_idx on forge.jobs (id);"

    report = migrate(blank_db.dsn, files=release({"0002.index": sql}))

    assert report.migrations == ("0001.schema", "0002.index")
    assert blank_db.value(
        "select indisvalid from pg_index where indexrelid = 'forge.job_idx'::regclass"
    )


def test_two_migrators_at_once_do_not_wait_for_each_other_over_an_index(
    blank_db: Database, release: Release
) -> None:
    sql = "-- transactional: false\ncreate index concurrently job_idx on forge.jobs (id);"
    migrate(blank_db.dsn, files=release())
    files = release({"0002.index": sql})
    writer = blank_db.connect(autocommit=False)
    writer.execute("insert into forge.jobs values (1)")  # the index waits for the end of this
    watch = blank_db.connect()
    sessions = "select 1 as n from pg_stat_activity where datname = current_database() and "
    building = sessions + "query like '%create index%' and wait_event = 'virtualxid'"
    asking = sessions + "query like 'select pg_try_adv%'"

    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(migrate, blank_db.dsn, files=files)
        until(lambda: watch.execute(building.encode()).fetchall())
        second = pool.submit(migrate, blank_db.dsn, files=files)
        until(lambda: len(watch.execute(asking.encode()).fetchall()) == 2)
        writer.rollback()

        assert first.result(20).migrations == ("0002.index",)
        assert second.result(20).migrations == ()


def test_an_edited_migration_is_refused(blank_db: Database, release: Release) -> None:
    migrate(blank_db.dsn, files=release({"0002.more": "create table forge.more ();"}))

    with pytest.raises(MigrationError, match="an applied migration was edited") as caught:
        migrate(blank_db.dsn, files=release({"0002.more": "create table forge.more (n int);"}))

    assert "0002.more.sql" in str(caught.value.detail)


def test_a_database_of_a_newer_release_is_refused(blank_db: Database, release: Release) -> None:
    migrate(blank_db.dsn, files=release({"0002.more": "create table forge.more ();"}))

    with pytest.raises(MigrationError, match="newer than this Forge"):
        migrate(blank_db.dsn, files=release())


def test_a_migration_without_a_way_back_is_not_rolled_back(
    blank_db: Database, release: Release
) -> None:
    files = release({"0002.more": "create table forge.more ();"}, {"10_a": function("a")})
    migrate(blank_db.dsn, files=files)

    with pytest.raises(MigrationError, match="cannot be rolled back"):
        rollback(blank_db.dsn, everything=True, files=files)

    assert functions(blank_db) == ["a"]


def test_rollback_takes_back_the_last_migration_and_the_functions(
    blank_db: Database, release: Release
) -> None:
    files = release({"0002.more": "create table forge.more ();"}, {"10_a": function("a")})
    (files.db / "0002.more.rollback.sql").write_text("drop table forge.more;")
    migrate(blank_db.dsn, files=files)

    report = rollback(blank_db.dsn, files=files)
    again = migrate(blank_db.dsn, files=files)

    assert (report.migrations, report.dropped) == (("0002.more",), ("forge.a()",))
    assert (again.migrations, functions(blank_db)) == (("0002.more",), ["a"])


def test_rollback_of_nothing_does_nothing(blank_db: Database, release: Release) -> None:
    assert rollback(blank_db.dsn, files=release()) == Report(migrations=())
    assert blank_db.value("select to_regnamespace('forge')") is None


def test_a_second_migrator_waits_for_the_first(blank_db: Database, release: Release) -> None:
    files: SqlFiles = release({"0002.more": "create table forge.more ();"})
    holder = blank_db.connect()
    holder.execute("select pg_advisory_lock(%s, %s)", LOCK_KEY)
    start = threading.Barrier(2)

    def run() -> Report:
        start.wait()
        return migrate(blank_db.dsn, files=files)

    with ThreadPoolExecutor(2) as pool:
        runs = [pool.submit(run) for _ in range(2)]
        asking = (
            "select 1 as n from pg_stat_activity where datname = current_database() "
            "and query like 'select pg_try_advisory_lock%' and pid <> pg_backend_pid()"
        )
        until(lambda: len(holder.execute(asking.encode()).fetchall()) == 2)
        assert blank_db.value("select to_regnamespace('forge')") is None
        holder.execute("select pg_advisory_unlock_all()")
        applied = sorted(run.result().migrations for run in runs)

    assert applied == [(), ("0001.schema", "0002.more")]
