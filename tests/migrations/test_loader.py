"""What loading procedures/ does and drops, on made-up releases."""

from __future__ import annotations

import pytest

from forge.bookkeeping import MigrationError
from forge.migrate import migrate
from tests.database import Database
from tests.migrations.conftest import Release, function, functions


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


def test_grants_on_all_functions_save_no_leftover(blank_db: Database, release: Release) -> None:
    grants = "revoke all on all functions in schema forge from public;"
    both = {"10_a": function("a") + function("b"), "99_grants": grants}
    migrate(blank_db.dsn, files=release(procedures=both))

    files = release(procedures={"10_a": function("b"), "99_grants": grants})
    report = migrate(blank_db.dsn, files=files)

    assert report.dropped == ("forge.a()",)
    assert functions(blank_db) == ["b"]


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


def test_tick_runs_after_the_load(blank_db: Database, release: Release) -> None:
    tick = function("tick", "insert into forge.jobs values (1) returning 1")

    migrate(blank_db.dsn, files=release(procedures={"60_tick": tick}))

    assert blank_db.value("select count(*) from forge.jobs") == 1


def test_a_view_that_has_not_changed_is_left_to_its_readers(
    blank_db: Database, release: Release
) -> None:
    view = "create or replace view forge.v as\nselect 1 as one;\n"
    files = release(procedures={"10_v": view})
    migrate(blank_db.dsn, files=files)
    reader = blank_db.connect(autocommit=False)
    reader.execute("select from forge.v")  # a replacement would wait for the end of this

    assert migrate(blank_db.dsn, files=files).dropped == ()

    reader.rollback()
    changed = release(procedures={"10_v": view.replace("one", "one, 2 as two")})
    migrate(blank_db.dsn, files=changed)
    assert blank_db.value("select two from forge.v") == 2


def test_shapes_and_functions_change_in_one_commit(blank_db: Database, release: Release) -> None:
    shape = {"0002.shape": "-- with-functions: true\ncreate type forge.shape as (a int);"}
    there = "select to_regtype('forge.shape') is not null"
    migrate(blank_db.dsn, files=release())

    with pytest.raises(MigrationError, match="a procedures file failed"):
        migrate(blank_db.dsn, files=release(shape, {"10_a": "select nonsense"}))
    failed = blank_db.value(there)
    report = migrate(blank_db.dsn, files=release(shape, {"10_a": function("a")}))

    assert (failed, blank_db.value(there)) == (False, True)
    assert report.migrations == ("0002.shape",)
