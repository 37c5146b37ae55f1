"""The rules of migrate and rollback, on made-up releases."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from forge.bookkeeping import MigrationError
from forge.migrate import LOCK_KEY, Report, migrate, rollback
from forge.sqlfiles import SqlFiles
from tests.database import Database
from tests.migrations.conftest import Release, function

FUNCTIONS = "select proname from pg_proc where pronamespace = 'forge'::regnamespace order by 1"


def functions(database: Database) -> list[str]:
    return [row["proname"] for row in database.rows(FUNCTIONS)]


def test_a_function_that_no_file_defines_is_dropped(blank_db: Database, release: Release) -> None:
    migrate(blank_db.dsn, files=release(procedures={"10_a": function("a") + function("b")}))

    report = migrate(blank_db.dsn, files=release(procedures={"10_a": function("b")}))

    assert report.dropped == ("forge.a()",)
    assert functions(blank_db) == ["b"]


def test_a_new_parameter_leaves_no_overload(blank_db: Database, release: Release) -> None:
    migrate(blank_db.dsn, files=release(procedures={"10_a": function("a")}))

    migrate(
        blank_db.dsn, files=release(procedures={"10_a": function("a", arguments="n int default 1")})
    )

    assert blank_db.value("select forge.a()") == 1


def test_views_and_procedures_that_no_file_defines_are_dropped(
    blank_db: Database, release: Release
) -> None:
    old = (
        "create or replace view forge.v as select 1 as one;"
        "create or replace view forge.w as select * from forge.v;"
        "create or replace procedure forge.p() language sql as $$ select 1 $$;"
        "create or replace function forge.rows() returns setof forge.w "
        "language sql as $$ select * from forge.w $$;"
    )
    migrate(blank_db.dsn, files=release(procedures={"10_a": old}))

    report = migrate(blank_db.dsn, files=release())

    assert sorted(report.dropped) == ["forge.p()", "forge.rows()", "forge.v", "forge.w"]


def test_what_a_migration_made_is_kept(blank_db: Database, release: Release) -> None:
    born = (
        "create function forge.born() returns int language sql immutable as $$ select 1 $$;"
        "alter table forge.jobs add column n int default forge.born();"
    )

    report = migrate(blank_db.dsn, files=release({"0002.born": born}))
    again = migrate(blank_db.dsn, files=release({"0002.born": born}))

    assert (report.dropped, again.dropped) == ((), ())
    assert functions(blank_db) == ["born"]


def test_a_grant_in_an_exception_block_does_not_count_as_leftover(
    blank_db: Database, release: Release
) -> None:
    grants = (
        "do $$ begin revoke all on function forge.a() from public; "
        "exception when undefined_object then null; end $$;"
    )
    files = release(procedures={"10_a": function("a"), "99_grants": grants})

    reports = [migrate(blank_db.dsn, files=files) for _ in range(2)]

    assert [report.dropped for report in reports] == [(), ()]


def test_a_leftover_that_something_needs_stops_the_load(
    blank_db: Database, release: Release
) -> None:
    migrate(blank_db.dsn, files=release(procedures={"10_a": function("a")}))
    blank_db.rows("create view public.mine as select forge.a()")

    with pytest.raises(MigrationError, match=r"view .*mine depends on function"):
        migrate(blank_db.dsn, files=release())

    assert functions(blank_db) == ["a"]


def test_a_failing_file_changes_nothing_and_is_named(blank_db: Database, release: Release) -> None:
    migrate(blank_db.dsn, files=release(procedures={"10_a": function("a")}))
    broken = {"10_a": function("z"), "20_b": "select 1;\n\nselect nonsense;"}

    with pytest.raises(MigrationError) as caught:
        migrate(blank_db.dsn, files=release(procedures=broken))

    assert caught.value.detail == '20_b.sql, line 3: column "nonsense" does not exist'
    assert functions(blank_db) == ["a"]


def test_names_without_a_schema_land_nowhere(blank_db: Database, release: Release) -> None:
    with pytest.raises(MigrationError, match="permission denied"):
        migrate(blank_db.dsn, files=release(procedures={"10_a": "create table stray ();"}))


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


def test_tick_runs_after_the_load(blank_db: Database, release: Release) -> None:
    tick = function("tick", "insert into forge.jobs values (1) returning 1")

    migrate(blank_db.dsn, files=release(procedures={"60_tick": tick}))

    assert blank_db.value("select count(*) from forge.jobs") == 1


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
        deadline = time.monotonic() + 10
        waiting = "select count(*) as n from pg_locks where locktype = 'advisory' and not granted"
        while holder.execute(waiting).fetchone() != {"n": 2}:
            assert time.monotonic() < deadline, "the migrators do not wait for the lock"
        assert blank_db.value("select to_regnamespace('forge')") is None
        holder.execute("select pg_advisory_unlock_all()")
        applied = sorted(run.result().migrations for run in runs)

    assert applied == [(), ("0001.schema", "0002.more")]
