"""The public functions of a database, as their callers see them."""

from __future__ import annotations

from dataclasses import dataclass

from tests.database import Database

FUNCTIONS = """
select
    p.proname as name,
    coalesce(p.proargnames[:p.pronargs], '{}') as arguments,
    array(select format_type(t.oid, null)
          from unnest(p.proargtypes) with ordinality as t (oid, place) order by t.place) as types,
    p.pronargs - p.pronargdefaults as needed,
    p.proretset as many,
    format_type(p.prorettype, null) as answer,
    array(select a.attname::text from pg_type as t join pg_attribute as a on a.attrelid = t.typrelid
          where t.oid = p.prorettype and a.attnum > 0 and not a.attisdropped
          order by a.attnum) as columns,
    array(select format_type(a.atttypid, a.atttypmod) from pg_type as t
          join pg_attribute as a on a.attrelid = t.typrelid
          where t.oid = p.prorettype and a.attnum > 0 and not a.attisdropped
          order by a.attnum) as column_types,
    array(select r.rolname::text from pg_roles as r
          where r.rolname like 'forge\\_%%' and has_function_privilege(r.oid, p.oid, 'execute')
          order by 1) as callers,
    p.provolatile = 'v' as changes
from pg_proc as p
where p.pronamespace = 'forge'::regnamespace and p.prokind = 'f' and left(p.proname, 1) <> '_'
order by 1
"""


@dataclass(frozen=True, kw_only=True)
class Function:
    name: str
    arguments: list[str]
    types: list[str]
    needed: int
    many: bool
    answer: str
    columns: list[str]
    column_types: list[str]
    callers: list[str]
    changes: bool


def public_functions(database: Database) -> dict[str, Function]:
    return {row["name"]: Function(**row) for row in database.rows(FUNCTIONS)}
