"""The methods of `Forge` against the functions of SQL."""

from __future__ import annotations

import inspect
import re
from typing import get_type_hints

import pytest

from forge import Forge
from forge.calls import filters
from forge.calls.producer import JobOptions
from tests.database import Conn

METHODS = [
    method
    for _, method in inspect.getmembers(Forge, inspect.iscoroutinefunction)
    if "SQL: forge." in (method.__doc__ or "")
]

# Defaults that SQL takes from the session of the call.
OF_THE_SESSION = {"asker", "search_path"}
# `forge worker` calls them, or an operator in psql.
WITHOUT_METHOD = {
    "complete_many",
    "exchange",
    "queue_page",
    "report",
    "park",
    "register_worker",
    "run_claimed",
    "unpark",
    "unregister_worker",
}


def functions(tx: Conn) -> dict[str, tuple[str, list[str]]]:
    """Public functions: the first line of the comment, and the parameters."""
    rows = tx.execute(
        r"""
        select p.proname as name, coalesce(obj_description(p.oid, 'pg_proc'), '') as manual,
            coalesce(p.proargnames[1 : p.pronargs], '{}') as parameters
        from pg_proc as p
        where p.pronamespace = 'forge'::regnamespace and p.proname !~ '^_'
        """
    ).fetchall()
    return {row["name"]: (row["manual"].split("\n")[0], row["parameters"]) for row in rows}


def function_of(method: object) -> str:
    found = re.search(r"SQL: forge\.(\w+)", inspect.getdoc(method) or "")
    assert found is not None
    return found[1]


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.__name__)
def test_the_docstring_begins_with_the_first_line_of_the_manual(tx: Conn, method: object) -> None:
    manual, _ = functions(tx)[function_of(method)]
    assert (inspect.getdoc(method) or "").split("\n")[0] == manual


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.__name__)
def test_a_method_has_the_parameters_of_its_function(tx: Conn, method: object) -> None:
    _, parameters = functions(tx)[function_of(method)]
    signature = inspect.signature(method).parameters  # type: ignore[arg-type]
    mine = set(signature)
    mine -= {"self", "connection"}
    if "options" in mine and signature["options"].kind is inspect.Parameter.VAR_KEYWORD:
        mine = (mine - {"options"}) | set(JobOptions.__annotations__)
    if "filter" in mine:
        which = getattr(filters, re.sub(r"Unpack\[(\w+)\]", r"\1", signature["filter"].annotation))
        mine = (mine - {"filter"}) | set(get_type_hints(which))
    if "job" in mine:  # carries its own fence
        mine = (mine - {"job"}) | {"id", "lease", "queue"}
    if "jobs" in mine and "worker" in mine:
        mine = (mine - {"jobs"}) | {"ids", "leases"}
    missing = set(parameters) - mine
    assert mine - set(parameters) == set()
    assert missing <= {"queue"} | OF_THE_SESSION


def test_every_public_function_has_a_method(tx: Conn) -> None:
    named = {function_of(method) for method in METHODS}
    assert set(functions(tx)) - named - WITHOUT_METHOD == {"now"}
    assert all(hasattr(Forge, method.__name__) for method in METHODS)
