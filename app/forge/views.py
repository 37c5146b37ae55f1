"""Views that are as the files say already are left alone.

To replace a view takes a lock that stops its readers until all functions are loaded, as long as
half a second or, on a busy machine, seconds; and only PostgreSQL can say what a view's text means.
"""

from __future__ import annotations

import re

import psycopg
from psycopg import Connection

_VIEW = re.compile(r"create or replace view forge\.(\w+) as\b.*?;\n", re.DOTALL)

SHAPE = """
select
    pg_get_viewdef(c.oid),
    array(
        select a.attname::text || ' ' || format_type(a.atttypid, a.atttypmod)
        from pg_attribute as a where a.attrelid = c.oid and a.attnum > 0 order by a.attnum
    )
from pg_class as c
where c.oid = to_regclass(format('forge.%%I', %s::text)) and c.relkind = 'v'
"""


def leave_views(connection: Connection[tuple[object, ...]], text: str) -> tuple[str, set[str]]:
    """The text of a file without the views that the database has just so, and their names."""
    left = set()
    for match in _VIEW.finditer(text):
        if _is_there(connection, match[1], match[0]):
            left.add(match[1])
            # As many lines, so that an error still says where it is.
            text = text.replace(match[0], "\n" * match[0].count("\n"))
    return text, left


def _is_there(connection: Connection[tuple[object, ...]], name: str, statement: str) -> bool:
    there = connection.execute(SHAPE, (name,)).fetchone()
    if there is None:
        return False
    new = f"_new_{name}"
    try:
        with connection.transaction(force_rollback=True):
            made = statement.replace(f"view forge.{name} as", f"view forge.{new} as", 1)
            connection.execute(made.encode())
            return connection.execute(SHAPE, (new,)).fetchone() == there
    except psycopg.Error:
        return False  # the file says what is wrong with it, and where
