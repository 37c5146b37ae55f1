"""Small made-up releases: a db/ and a procedures/ written by the test."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from forge.sqlfiles import SqlFiles
from tests.database import Database

Release = Callable[..., SqlFiles]

SCHEMA = ("0001.schema", "create table forge.jobs (id bigint primary key);")


@pytest.fixture
def release(tmp_path: Path) -> Release:
    """`release(migrations, procedures)` rewrites the files of the test's own release."""
    files = SqlFiles(tmp_path / "db", tmp_path / "procedures")

    def write(
        migrations: dict[str, str] | None = None, procedures: dict[str, str] | None = None
    ) -> SqlFiles:
        for directory in (files.db, files.procedures):
            shutil.rmtree(directory, ignore_errors=True)
            directory.mkdir()
        for name, sql in ({SCHEMA[0]: SCHEMA[1]} | (migrations or {})).items():
            (files.db / f"{name}.sql").write_text(sql)
        (files.db / "0001.schema.rollback.sql").write_text("drop table forge.jobs;")
        for name, sql in (procedures or {}).items():
            (files.procedures / f"{name}.sql").write_text(sql)
        return files

    return write


def function(name: str, body: str = "select 1", arguments: str = "") -> str:
    return (
        f"create or replace function forge.{name}({arguments}) returns int "
        f"language sql as $function$ {body}; $function$;"
    )


def psql(database: Database, path: Path) -> subprocess.CompletedProcess[str]:
    """Run a file as a user with nothing but psql would."""
    return subprocess.run(
        ["psql", "--no-psqlrc", f"--dbname={database.dsn}", f"--file={path}"],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PGOPTIONS": "-c search_path=public"},
    )


FUNCTIONS = "select proname from pg_proc where pronamespace = 'forge'::regnamespace order by 1"


def functions(database: Database) -> list[str]:
    return [row["proname"] for row in database.rows(FUNCTIONS)]


CATALOG = """
select kind, name, definition from (
    select 'function' as kind, p.oid::regprocedure::text as name,
        pg_get_functiondef(p.oid) || coalesce(p.proacl::text, '')
        || coalesce(obj_description(p.oid, 'pg_proc'), '') as definition
    from pg_proc as p where p.pronamespace = to_regnamespace('forge')
    union all
    select 'relation', c.relname || ' ' || c.relkind::text, coalesce(pg_get_viewdef(c.oid), '')
        || coalesce(pg_get_indexdef(c.oid), '') || coalesce(c.relacl::text, '')
        || coalesce(obj_description(c.oid, 'pg_class'), '')
    from pg_class as c
    where c.relnamespace = to_regnamespace('forge') and c.relname not like '%%pkey'
    union all
    select 'column', a.attrelid::regclass::text || '.' || a.attname,
        format_type(a.atttypid, a.atttypmod) || a.attnotnull::text || a.attnum::text
        || coalesce(pg_get_expr(d.adbin, d.adrelid), '')
        || coalesce(col_description(a.attrelid, a.attnum), '')
    from pg_attribute as a
    join pg_class as c on c.oid = a.attrelid
    left join pg_attrdef as d on d.adrelid = a.attrelid and d.adnum = a.attnum
    where c.relnamespace = to_regnamespace('forge') and a.attnum > 0 and not a.attisdropped
        and c.relkind in ('r', 'p', 'v', 'c')
    union all
    select 'constraint', conrelid::regclass::text || '.' || conname, pg_get_constraintdef(oid)
    from pg_constraint where connamespace = to_regnamespace('forge') and contype <> 'n'
) as found
where name not like '%%_yoyo_%%' and name not like '%%_migration_checksum%%'
order by 1, 2
"""


def catalog(database: Database) -> list[tuple[str, str, str]]:
    """Everything in schema forge but the migrator's own bookkeeping, for comparison."""
    return [tuple(row.values()) for row in database.rows(CATALOG)]
