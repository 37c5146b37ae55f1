"""`forge sql`: the whole installation as one file for psql, in one transaction.

It writes yoyo's bookkeeping as well, so that a later `forge migrate` goes on from it.
"""

from __future__ import annotations

import re
from importlib.metadata import version

from yoyo.migrations import get_migration_hash

from forge.bookkeeping import CREATE_CHECKSUMS
from forge.sqlfiles import Migration, SqlFiles

HEAD = """\
-- Forge {version}: a PostgreSQL job queue. Install it with
--     psql --no-psqlrc --dbname=... --file=forge.sql
-- All or nothing: an error leaves the database as it was. `forge migrate` upgrades it later.
\\set ON_ERROR_STOP on
\\set QUIET on
begin;
set local client_min_messages = warning;
-- Whatever the connection has set, names mean the same here as under `forge migrate`.
set local search_path = pg_catalog, pg_temp;
set local standard_conforming_strings = on;

do $install$
begin
    if to_regclass('forge._yoyo_migration') is not null then
        raise exception using
            errcode = 'duplicate_object', message = 'forge is already installed',
            detail = 'schema forge holds an installation',
            hint = 'upgrade it with: forge migrate';
    end if;
end;
$install$;

create schema if not exists forge;
set local search_path = forge;
"""

# The tables that yoyo's own schema version 2 has, as its internal migrations would make them.
YOYO = """
create table _yoyo_log (
    id varchar(36) primary key, migration_hash varchar(64), migration_id varchar(255),
    operation varchar(10), username varchar(255), hostname varchar(255), comment varchar(255),
    created_at_utc timestamp
);
create table _yoyo_version (version int not null primary key, installed_at_utc timestamp);
create table _yoyo_migration (
    migration_hash varchar(64) primary key, migration_id varchar(255), applied_at_utc timestamp
);
insert into _yoyo_version
select v, clock_timestamp() at time zone 'utc' from generate_series(1, 2) as v where v = 2;
"""

MARK = """
insert into forge._yoyo_migration
values ('{hash}', '{id}', clock_timestamp() at time zone 'utc');
insert into forge._yoyo_log
values (gen_random_uuid(), '{hash}', '{id}', 'apply', current_user, 'psql', 'forge sql',
        clock_timestamp() at time zone 'utc');
insert into forge._migration_checksum values ('{id}', '{checksum}');
"""

TAIL = """
-- Partitions for the days ahead exist before the first job ends.
select count(*) as "Forge is installed; things set up by its first tick" from forge.tick();
commit;
"""


def render_sql(files: SqlFiles | None = None) -> str:
    """The script, ready for psql."""
    files = files or SqlFiles.shipped()
    parts = [HEAD.format(version=version("forge")), YOYO, CREATE_CHECKSUMS + ";\n"]
    parts += [_migration(m) for m in files.migrations()]
    parts.append("\nset local search_path = pg_catalog, forge, pg_temp;\n")
    for path in files.procedure_files():
        parts.append(f"\n-- procedures/{path.name}\n{path.read_text(encoding='utf-8')}")
    return "".join(parts) + TAIL


def _migration(migration: Migration) -> str:
    sql = migration.sql
    if not migration.transactional:
        # Tables that this transaction made are empty and nobody else sees them yet.
        sql = re.sub(r"\bconcurrently\b", "", sql, flags=re.IGNORECASE)
    mark = MARK.format(
        hash=get_migration_hash(migration.id), id=migration.id, checksum=migration.checksum
    )
    return f"\n-- db/{migration.path.name}\n{sql}\nset local search_path = forge;\n{mark}"
