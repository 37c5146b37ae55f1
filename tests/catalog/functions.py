"""The functions of schema forge as the catalog knows them."""

from __future__ import annotations

from dataclasses import dataclass

from tests.database import Conn

FUNCTIONS = """
select p.proname as name, p.oid::regprocedure::text as signature, p.prosecdef as definer,
    coalesce(p.proconfig, '{}') as settings,
    coalesce(obj_description(p.oid, 'pg_proc'), '') as manual,
    coalesce(p.proargnames[1 : p.pronargs], '{}') as parameters,
    pg_get_function_result(p.oid) as result, l.lanname as language, p.oid::bigint as oid
from pg_proc as p
join pg_language as l on l.oid = p.prolang
where p.pronamespace = 'forge'::regnamespace
order by p.proname
"""


@dataclass(frozen=True)
class Function:
    name: str
    signature: str
    definer: bool
    settings: list[str]
    manual: str
    parameters: list[str]
    result: str
    language: str
    oid: int

    @property
    def public(self) -> bool:
        return not self.name.startswith("_")


def functions(connection: Conn) -> list[Function]:
    return [Function(**row) for row in connection.execute(FUNCTIONS).fetchall()]
