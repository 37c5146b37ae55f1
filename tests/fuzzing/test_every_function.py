"""Whatever a caller passes: an answer, or one of the codes of the manual, and all invariants hold.

Each call is a transaction that is undone. FORGE_TEST_EXAMPLES sets how many each function gets; a
failure prints the call.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, Phase, assume, given, note, settings
from hypothesis import strategies as st

from tests.database import SQL, Conn, Database
from tests.fuzzing.arguments import World

EXAMPLES = int(os.environ.get("FORGE_TEST_EXAMPLES", "15"))
PROCEDURES = Path(__file__).parents[2] / "procedures"
NAMES = sorted({
    name
    for file in PROCEDURES.glob("*.sql")
    for name in re.findall(r"create or replace function forge\.([a-z]\w*)\(", file.read_text())
})  # fmt: skip
SIGNATURES = """
select
    p.proname as name,
    obj_description(p.oid, 'pg_proc') as manual,
    (
        select coalesce(jsonb_object_agg(p.proargnames[t.n], format_type(t.type, null)), '{}')
        from unnest(p.proargtypes::oid[]) with ordinality as t (type, n)
    ) as kinds,
    p.pronargs - p.pronargdefaults as required,
    coalesce(p.proargnames[1 : p.pronargs], '{}') as parameters
from pg_proc as p
where p.pronamespace = 'forge'::regnamespace and p.proname !~ '^_'
"""
JOBS = """
select id, lease from forge.jobs union all select id, lease from forge.dead_jobs
union all select id, lease from forge.history order by id
"""
INVARIANTS = (SQL / "invariants.sql").read_text()
# What the caller of run_when is, is not for the caller to say.
NOT_PASSED = {"asker"}
# A trigger is made with the rights that its caller has on the table, and PostgreSQL says if not.
ALSO = {"on_change": {"42501"}}


@dataclass(frozen=True)
class Function:
    name: str
    codes: set[str]
    kinds: dict[str, str]
    required: list[str]

    def call(self, passed: dict[str, Any]) -> str:
        arguments = ", ".join(f"{name} => %({name})s::{self.kinds[name]}" for name in passed)
        # As text, as all that is returned has to be written, too.
        return f"select count(f::text) from forge.{self.name}({arguments}) as f"

    def literals(self, passed: dict[str, Any]) -> str:
        return "select " + ", ".join(f"%({name})s::{self.kinds[name]}" for name in passed)


class Fuzzed:
    def __init__(self, db: Database) -> None:
        self.connection: Conn = db.connect(autocommit=False)
        self.connection.execute((Path(__file__).parent / "world.sql").read_bytes())
        self.connection.commit()
        rows = self.connection.execute(SIGNATURES.encode()).fetchall()
        self.functions = {
            row["name"]: Function(
                name=row["name"],
                codes=set(re.findall(r"JQ\d+", row["manual"].partition("\nRaises:")[2]))
                | ALSO.get(row["name"], set()),
                kinds={k: v for k, v in row["kinds"].items() if k not in NOT_PASSED},
                required=row["parameters"][: row["required"]],
            )
            for row in rows
        }
        jobs = self.connection.execute(JOBS.encode()).fetchall()
        leases = {job["id"]: str(job["lease"]) for job in jobs if job["lease"] is not None}
        self.world = World([j["id"] for j in jobs], leases, self.functions["enqueue"].kinds)
        self.connection.rollback()

    def undo(self) -> None:
        self.connection.rollback()
        self.connection.execute("select pg_advisory_unlock_all()")  # of those who park
        self.connection.rollback()

    def arguments(self, function: Function) -> st.SearchStrategy[dict[str, Any]]:
        def value(name: str) -> st.SearchStrategy[Any]:
            return st.one_of(*[self.world.argument(name, function.kinds[name])] * 9, st.none())

        optional = [name for name in function.kinds if name not in function.required]
        some = st.fixed_dictionaries(
            {name: value(name) for name in function.required},
            optional={name: value(name) for name in optional},
        )
        if not {"id", "lease"} <= function.kinds.keys():
            return some
        # An id with its own lease, else every call ends at the fence.
        return st.tuples(some, st.booleans(), self.world.job()).map(
            lambda it: {**it[0], "id": it[2][0], "lease": it[2][1]} if it[1] else it[0]
        )

    def violations(self) -> list[str]:
        return [row["violation"] for row in self.connection.execute(INVARIANTS.encode()).fetchall()]


@pytest.fixture(scope="module")
def fuzzed(module_db: Database) -> Iterator[Fuzzed]:
    fuzzed = Fuzzed(module_db)
    yield fuzzed
    fuzzed.undo()


def test_every_function_is_here(fuzzed: Fuzzed) -> None:
    assert set(NAMES) == set(fuzzed.functions)


@pytest.mark.filterwarnings("ignore::hypothesis.errors.HypothesisWarning")  # of long reprs
@pytest.mark.parametrize("name", NAMES)
def test_any_arguments(fuzzed: Fuzzed, name: str) -> None:
    function = fuzzed.functions[name]

    @settings(
        max_examples=EXAMPLES if function.kinds else 1,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )
    @given(passed=fuzzed.arguments(function))
    def call(passed: dict[str, Any]) -> None:
        note(f"{function.call(passed)} with {json.dumps(passed, default=repr)}")
        try:
            if passed:
                assume(is_possible(fuzzed.connection, function.literals(passed), passed))
            try:
                fuzzed.connection.execute(function.call(passed).encode(), passed)
            except psycopg.Error as error:
                if error.sqlstate not in function.codes:
                    raise
            else:
                assert fuzzed.violations() == []
        finally:
            fuzzed.undo()

    call()


def is_possible(connection: Conn, query: str, passed: dict[str, Any]) -> bool:
    """Whether PostgreSQL can hold these values, which has not yet come to Forge then."""
    try:
        connection.execute(query.encode(), passed)
    except psycopg.Error:
        return False
    return True
