"""procedures/: the wished state of functions and views, applied whole in one transaction.

What no file defines is dropped, so that a function which was renamed, or an overload left by a
new parameter, cannot linger.
"""

from __future__ import annotations

from pathlib import Path

import psycopg
from psycopg import Connection

from forge.bookkeeping import MigrationError
from forge.sqlfiles import SqlFiles
from forge.views import leave_views

# Loaded last, after the leftovers have gone: its "revoke … on all functions" writes them as well.
GRANTS = "99_grants.sql"

# `create or replace` and `grant` write a new row version, so whatever this transaction did not
# touch was in no file. Compared by age, as a subtransaction (an exception block around a grant)
# has a higher id than its transaction. Members of an extension are not ours.
LEFTOVERS = """
select case when p.prokind = 'p' then 'procedure' when p.prokind = 'a' then 'aggregate'
            else 'function' end as kind,
       format('%%I.%%I(%%s)', n.nspname, p.proname, pg_get_function_identity_arguments(p.oid))
from pg_proc as p
join pg_namespace as n on n.oid = p.pronamespace
where n.nspname = 'forge' and age(p.xmin) > 0 and p.proname <> all (%(keep)s)
    and not exists (select from pg_depend as d where d.objid = p.oid
                    and d.classid = 'pg_proc'::regclass and d.deptype in ('e', 'i'))
union all
select 'view', format('%%I.%%I', n.nspname, c.relname)
from pg_class as c
join pg_namespace as n on n.oid = c.relnamespace
where n.nspname = 'forge' and c.relkind = 'v' and age(c.xmin) > 0 and c.relname <> all (%(keep)s)
    and not exists (select from pg_depend as d where d.objid = c.oid
                    and d.classid = 'pg_class'::regclass and d.deptype in ('e', 'i'))
order by 1 desc, 2
"""


def load_procedures(connection: Connection[tuple[object, ...]], files: SqlFiles) -> list[str]:
    """Apply every file of procedures/ and drop the leftovers, whose names come back."""
    with connection.transaction():
        # A name without its schema must not land, or be found, in the user's own schemas.
        connection.execute("set local search_path = pg_catalog, forge, pg_temp")
        paths = files.procedure_files()
        kept = files.born_in_db()
        for path in paths:
            if path.name != GRANTS:
                text, views = leave_views(connection, path.read_text(encoding="utf-8"))
                kept |= views
                _execute_file(connection, path, text)
        dropped = drop_untouched(connection, kept)
        for path in paths:
            if path.name == GRANTS:
                _execute_file(connection, path, path.read_text(encoding="utf-8"))
        return dropped


def _execute_file(connection: Connection[tuple[object, ...]], path: Path, text: str) -> None:
    try:
        connection.execute(text.encode())
    except psycopg.Error as error:
        position = error.diag.statement_position
        line = text.count("\n", 0, int(position)) + 1 if position else "?"
        raise MigrationError(
            "a procedures file failed",
            f"{path.name}, line {line}: {error.diag.message_primary or error}",
            error.diag.message_hint,
        ) from error


def drop_untouched(connection: Connection[tuple[object, ...]], kept: set[str]) -> list[str]:
    """Drop the functions and views that this transaction did not write, but for those kept."""
    rows = connection.execute(LEFTOVERS, {"keep": sorted(kept)}).fetchall()
    waiting = [f"{kind} {name}" for kind, name in rows]
    # Functions return the rows of views, and views call functions: pass by pass, what nothing
    # needs any more goes. "restrict", so that a dependency which somebody forgot fails loudly.
    while waiting:
        refused = {what: error for what in waiting if (error := _drop(connection, what))}
        if len(refused) == len(waiting):
            raise MigrationError(
                "something depends on what this release no longer defines",
                refused[waiting[0]].diag.message_detail,
                "drop or change it, then migrate again",
            ) from refused[waiting[0]]
        waiting = list(refused)
    return [str(name) for _, name in rows]


def _drop(connection: Connection[tuple[object, ...]], what: str) -> psycopg.Error | None:
    try:
        with connection.transaction():
            connection.execute(f"drop {what} restrict".encode())  # %I has quoted the name
    except psycopg.errors.DependentObjectsStillExist as error:
        return error
    return None
