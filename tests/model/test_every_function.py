"""Every function that changes something is called by a machine, or excused with a reason."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

from tests.database import Conn

HERE = Path(__file__).parent
TESTS = [path for path in HERE.glob("test_*.py") if path.name != Path(__file__).name]

# They are volatile, and change nothing that a model could know.
EXCUSED = {
    "now": "reads the clock",
    "job": "reads; volatile, as rows of the moment are its point",
    "explain": "reads",
    "list_admissions": "reads, from sequences",
    "list_limits": "reads, from advisory locks",
    "queue_page": "reads",
    "park": "hangs up a bell, a lock of the session: tests/concurrency/test_doorbell.py",
    "unpark": "takes the bell down",
}
VOLATILE = """
select p.proname
from pg_proc as p
where p.pronamespace = 'forge'::regnamespace and p.proname !~ '^_' and p.provolatile = 'v'
"""


def test_every_function_that_changes_something_is_in_a_machine(tx: Conn) -> None:
    # prove() fails where a machine has not come to call what its test names here
    called = set().union(*(import_module(f"tests.model.{path.stem}").CALLED for path in TESTS))
    changing = {row["proname"] for row in tx.execute(VOLATILE.encode()).fetchall()}

    assert changing - called - set(EXCUSED) == set(), "let a machine call it"
    assert set(EXCUSED) - changing == set()
    assert set(EXCUSED) & called == set()
