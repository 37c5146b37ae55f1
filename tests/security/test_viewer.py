"""A viewer that writes: with a login of the database, and with a token."""

from __future__ import annotations

import re
from collections.abc import Callable

import psycopg
import pytest

from tests.api.conftest import TOKENS, Client, bearer
from tests.api.expect import problem
from tests.catalog.functions import functions
from tests.database import Conn, Database
from tests.security.conftest import MakeLogin

REFUSED = psycopg.errors.InsufficientPrivilege
MAY_CALL = "select has_function_privilege('forge_viewer', %s::oid, 'execute') as may"

ENQUEUE = re.compile(r"forge\.enqueue\((?:[^()']|'[^']*')*\)")


@pytest.fixture(scope="module")
def viewer(login: MakeLogin) -> Conn:
    return login("forge_viewer")


def test_no_function_that_it_may_call_writes(viewer: Conn, module_db: Database) -> None:
    """A transaction that writes anything gets an id; one that only reads gets none."""
    job = module_db.value("select forge.enqueue('t', queue => 'q')")
    module_db.rows("select forge.create_token('viewer', 'v')")
    with module_db.connect() as admin:
        may = [
            function
            for function in functions(admin)
            if function.public
            and admin.execute(MAY_CALL, (function.oid,)).fetchone() == {"may": True}
        ]
    assert {"job", "explain", "overview", "prometheus", "authenticate"} <= {f.name for f in may}
    wrote = []
    for function in may:
        example = function.manual.partition("\nExample: ")[2].partition("\n\n")[0]
        example = ENQUEUE.sub(str(job), example)  # an operator's part of the example
        with viewer.transaction(force_rollback=True):
            viewer.execute(example.encode())
            row = viewer.execute("select pg_current_xact_id_if_assigned() as id").fetchone()
            if row != {"id": None}:
                wrote.append(function.name)
    assert wrote == []


def test_it_calls_nothing_that_writes(viewer: Conn, module_db: Database) -> None:
    (job,) = module_db.rows("select forge.enqueue('t', queue => 'w') as id")
    for statement in (
        "select forge.enqueue('t')",
        f"select forge.cancel({job['id']})",
        f"select forge.edit({job['id']}, priority => 9)",
        "select forge.dequeue('w')",
        "select forge.pause('w')",
        "select forge.set_queue('w', max_retries => 0)",
        "select forge.tick()",
        "select forge.create_token('operator', 'mine')",
        "select forge.drop_queue('w')",
        "delete from forge.jobs",
    ):
        with pytest.raises(REFUSED):
            viewer.execute(statement.encode())
    assert module_db.value("select status from forge.job(%s)", job["id"]) == "PENDING"


@pytest.mark.parametrize("role", ["viewer", "producer"])
def test_no_header_makes_a_write_of_a_read(
    make_api: Callable[..., Client], db: Database, role: str
) -> None:
    job = db.value("select forge.enqueue('t')")
    api = make_api(tokens=TOKENS)
    for name in ("X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"):
        for method in ("POST", "PATCH", "DELETE"):
            headers = {**bearer(role), name: method}
            assert api.get(f"/jobs/{job}", headers=headers).json()["status"] == "PENDING"
            params = {"_method": method}
            answer = api.get(f"/jobs/{job}", headers=bearer(role), params=params)
            problem(answer, 422, "JQ001")
    for path in (f"/jobs/{job}/cancel", f"/jobs/{job}/retry", "/jobs/cancel", "/dlq/retry"):
        problem(api.post(path, json={}, headers=bearer(role)), 403, "JQ403")
    assert db.value("select status from forge.job(%s)", job) == "PENDING"
