"""Whether a database holds what this release's files say, without changing it."""

from __future__ import annotations

import psycopg
from psycopg import Connection

from forge.errors import NotInstalled
from forge.loader import load_procedures
from forge.migrate import LOCK_KEY
from forge.sqlfiles import SqlFiles

DEFINITIONS = """
select p.oid::regprocedure::text, pg_get_functiondef(p.oid)
from pg_proc as p
where p.pronamespace = 'forge'::regnamespace and p.prokind = 'f'
union all
select c.oid::regclass::text, pg_get_viewdef(c.oid)
from pg_class as c
where c.relnamespace = 'forge'::regnamespace and c.relkind = 'v'
"""

Definitions = dict[str, str]


def differences(dsn: str) -> list[str]:
    """The migrations that are missing; else the functions and views that differ from the files.

    The files are loaded in a transaction that is rolled back, as only PostgreSQL can say what a
    file means. It needs the rights of the owner.
    """
    files = SqlFiles.shipped()
    with psycopg.connect(dsn) as connection:
        # At rest: a migrator and this one would write the same rows of the catalog.
        connection.execute("set local lock_timeout = '2s'")
        connection.execute("select pg_advisory_xact_lock(%s, %s)", LOCK_KEY)
        missing = _missing_migrations(connection, files)
        if missing:
            return missing
        connection.execute("set local client_min_messages = warning")
        before = _definitions(connection)
        load_procedures(connection, files)
        after = _definitions(connection)
        connection.rollback()
    return sorted(
        name for name in before.keys() | after.keys() if before.get(name) != after.get(name)
    )


def _missing_migrations(connection: Connection[tuple[object, ...]], files: SqlFiles) -> list[str]:
    if connection.execute("select to_regclass('forge._yoyo_migration')").fetchone() == (None,):
        raise NotInstalled("Forge is not installed in this database", None, "run `forge migrate`")
    rows = connection.execute("select migration_id from forge._yoyo_migration").fetchall()
    applied = {str(name) for (name,) in rows}
    return [f"migration {m.id}" for m in files.migrations() if m.id not in applied]


def _definitions(connection: Connection[tuple[object, ...]]) -> Definitions:
    connection.execute("set local search_path = pg_catalog")  # names are written by it
    return {str(name): str(text) for name, text in connection.execute(DEFINITIONS).fetchall()}
