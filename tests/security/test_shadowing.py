"""Functions, operators and tables of an intruder's, first in the search_path, under the names that
Forge's functions use: none is ever run with the rights of Forge's owner.

The traps are made from the sources and the catalog: every function of PostgreSQL that procedures/
calls, every operator between the types that it uses, every table of Forge. Each does what the real
one does, and raises where it runs as somebody else than the one who logged in.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import psycopg
import pytest
from psycopg import sql
from psycopg.rows import DictRow

from forge.sqlfiles import SqlFiles
from tests.catalog.functions import Function, functions
from tests.database import Conn, Database, connect
from tests.security.conftest import MakeLogin

TRAPPED = "XX911"
OPERATORS = [
    "=",
    "<>",
    "<",
    "<=",
    ">",
    ">=",
    "+",
    "-",
    "*",
    "/",
    "||",
    "->",
    "->>",
    "@>",
    "?|",
    "~",
]
TYPES = (
    "text", "name", "integer", "bigint", "double precision", "boolean", "jsonb", "uuid", "oid",
    "timestamptz", "interval", "text[]", "bigint[]",
)  # fmt: skip

TRAP = """
create function {schema}.{name}({arguments}) returns {result} language plpgsql as $trap$
begin
    if current_user operator(pg_catalog.<>) session_user then
        raise exception using errcode = '{code}', message = '{what} was shadowed';
    end if;
    return {real};
end
$trap$
"""

CALLED = """
select p.proname as name, pg_get_function_identity_arguments(p.oid) as arguments,
    pg_get_function_result(p.oid) as result, p.pronargs as count
from pg_proc as p
where p.pronamespace = 'pg_catalog'::regnamespace and p.prokind = 'f' and p.proname = any(%s)
    and p.provariadic = 0 and not p.proretset and p.prorettype <> 'internal'::regtype
    and p.prorettype not in ('trigger'::regtype, 'void'::regtype)
    and not p.proargtypes::oid[] && array['internal', '"any"', 'cstring']::regtype[]::oid[]
"""

USED_OPERATORS = """
select o.oprname as name, o.oprleft::regtype::text as left, o.oprright::regtype::text as right,
    o.oprresult::regtype::text as result
from pg_operator as o
where o.oprnamespace = 'pg_catalog'::regnamespace and o.oprname = any(%s)
    and o.oprleft = any(%s::regtype[]) and o.oprright = any(%s::regtype[])
"""


def traps(conn: Conn, schema: str) -> Iterator[str]:
    """The statements that make them."""
    source = "\n".join(path.read_text() for path in SqlFiles.shipped().procedure_files())
    names = sorted({*re.findall(r"\b([a-z_0-9]+)\(", source)})
    for row in conn.execute(CALLED, (names,)).fetchall():
        yield TRAP.format(
            schema=schema,
            name=f'"{row["name"]}"',
            arguments=row["arguments"],
            result=row["result"],
            code=TRAPPED,
            what=row["name"],
            real='pg_catalog."{}"({})'.format(
                row["name"], ", ".join(f"${n + 1}" for n in range(row["count"]))
            ),
        )
    types = [*TYPES]
    for number, row in enumerate(
        conn.execute(USED_OPERATORS, (OPERATORS, types, types)).fetchall()
    ):
        yield TRAP.format(
            schema=schema,
            name=f"operator_{number}",
            arguments=f"{row['left']}, {row['right']}",
            result=row["result"],
            code=TRAPPED,
            what=f"operator {row['name']}",
            real=f"$1 operator(pg_catalog.{row['name']}) $2",
        )
        yield (
            f"create operator {schema}.{row['name']} (function = {schema}.operator_{number},"
            f" leftarg = {row['left']}, rightarg = {row['right']})"
        )
    for table in conn.execute(
        "select relname from pg_class where relnamespace = 'forge'::regnamespace"
        " and relkind in ('r', 'p', 'v') and not relispartition"
    ).fetchall():
        for where in (f"{schema}.", "pg_temp."):
            yield f'create table {where}"{table["relname"]}" (trap integer)'


@pytest.fixture(scope="module")
def trapper(module_db: Database, login: MakeLogin) -> Conn:
    """A login with all of the roles, whose traps come before everything else."""
    conn = login("forge_producer")
    with module_db.connect() as admin:
        for role in ("forge_worker", "forge_operator", "forge_viewer"):
            admin.execute(
                sql.SQL("grant {} to {}").format(
                    sql.Identifier(role), sql.Identifier(conn.info.user)
                )
            )
        statements = [*traps(admin, conn.info.user)]
    conn.execute(";\n".join(statements).encode())
    conn.execute(f"set search_path = {conn.info.user}, pg_temp, pg_catalog, forge".encode())
    return conn


def examples(conn: Conn) -> list[tuple[Function, str]]:
    return [
        (function, function.manual.partition("\nExample: ")[2].partition("\n\n")[0])
        for function in functions(conn)
        if function.public
    ]


def outcome(conn: Conn, statement: str) -> str | None:
    """The SQLSTATE of a statement whose work is undone."""
    try:
        with conn.transaction(force_rollback=True):
            conn.execute(statement.encode())
    except psycopg.Error as error:
        return error.sqlstate
    return None


def test_no_function_can_be_made_to_run_a_stranger_as_its_owner(
    trapper: Conn, module_db: Database
) -> None:
    with connect(module_db.dsn, autocommit=True) as admin:
        told = examples(admin)
    trapped = [f.name for f, example in told if outcome(trapper, example) == TRAPPED]
    assert trapped == []


def test_a_whole_life_runs_no_stranger_either(trapper: Conn) -> None:
    """The examples end early where they name a job that nobody has; this one goes to the end."""

    def call(statement: str, *values: object) -> list[DictRow]:
        return trapper.execute(statement.encode(), values).fetchall()

    with trapper.transaction(force_rollback=True):
        call(
            "select forge.set_queue('q', max_retries => 1), forge.set_limits('q', max_running => 9)"
        )
        call("select forge.set_admission('q', max_depth => 100)")
        call("select forge.set_schema('t', '{\"type\": \"object\"}')")
        call("select forge.schedule('s', '* * * * *', 't')")
        call("select forge.enqueue('t', '{\"a\": 1}', 'q', unique_key => 'k', tags => '{x}')")
        call("select forge.enqueue('t', '{}', 'q', concurrency_key => 'c')")
        call('select * from forge.enqueue_many(\'[{"type": "t", "queue": "q"}]\')')
        call("select forge.register_worker('w', array['q'], array['t'])")
        claimed = call("select * from forge.dequeue('q', 'w', 3)")
        assert len(claimed) == 3
        one, two, three = ((row["id"], row["lease"]) for row in claimed)
        call("select * from forge.heartbeat('w', %s, %s)", [one[0]], [one[1]])
        call("select forge.log(%s, %s, 'a line')", *one)
        call("select forge.progress(%s, %s, 0.5, 'half')", *one)
        call("select forge.snooze(%s, %s, '1 minute')", *three)
        call("select forge.fail(%s, %s, 'no', false)", *two)
        call("select forge.complete(%s, %s, '{\"b\": 2}')", *one)
        call("select forge.retry_dead('q')")
        call("select * from forge.tick()")
        for reader in ("stats", "overview", "doctor", "warnings", "prometheus", "list_queues"):
            call(f"select * from forge.{reader}()")
        call("select * from forge.explain(%s), forge.job(%s)", three[0], three[0])
        call("select * from forge.cancel(%s)", three[0])


def test_the_traps_catch_a_function_whose_path_is_not_pinned(
    trapper: Conn, module_db: Database
) -> None:
    """Else the tests above would say nothing."""
    (pinned,) = module_db.rows(
        "select oid::regprocedure::text as f from pg_proc"
        " where proname = 'set_queue' and pronamespace = 'forge'::regnamespace"
    )
    module_db.rows(f"alter function {pinned['f']} reset search_path")
    try:
        assert outcome(trapper, "select forge.set_queue('q', max_retries => 1)") == TRAPPED
    finally:
        module_db.rows(f"alter function {pinned['f']} set search_path = pg_catalog, forge, pg_temp")
