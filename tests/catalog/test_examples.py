"""Every `Example:` of the manual runs as it stands, in a transaction that is rolled back."""

from __future__ import annotations

import psycopg

from tests.catalog.functions import functions
from tests.database import Conn

# Examples show made-up ids, leases and names, and may say so.
ABOUT_THE_ID = {"JQ002", "JQ003", "JQ004", "JQ007"}


def test_every_example_runs(tx: Conn) -> None:
    failed = []
    for function in functions(tx):
        if not function.public:
            continue
        example = function.manual.partition("\nExample: ")[2].partition("\n\n")[0]
        assert example.endswith(";"), function.name
        try:
            with tx.transaction(force_rollback=True):
                cursor = tx.execute(example.encode())
                while cursor.nextset():
                    pass
                cursor.fetchall()
        except psycopg.Error as error:
            if error.sqlstate not in ABOUT_THE_ID:
                failed.append(f"{function.name}: {error}")
        tx.execute("select forge.unpark(), pg_advisory_unlock_all()")

    assert failed == []
