"""What made-up arguments have found, each by itself."""

from __future__ import annotations

import psycopg
import pytest

from tests.database import Conn

LAST = "294276-12-31 23:59:59.999999+00"


@pytest.mark.parametrize(
    "call",
    [
        "forge.dequeue(lease => '178000000 years')",
        "forge.exchange(lease => '178000000 years')",
        "forge.heartbeat('w', extend => '178000000 years')",
        "forge.run(time_limit => '178000000 years')",
        "forge.register_sql_handler('t', '')",
        "forge.register_sql_handler('t', 'a.b.c.d.e')",
        "forge.register_sql_handler('t', 'f(int[')",
    ],
)
def test_a_value_out_of_all_bounds_is_told_as_such(tx: Conn, call: str) -> None:
    with pytest.raises(psycopg.Error) as caught:
        tx.execute(f"select from {call}".encode())
    assert caught.value.sqlstate == "JQ001"


@pytest.mark.parametrize("name", ["list_jobs", "search_jobs", "count_jobs", "list_dead"])
def test_before_the_end_of_all_time_is_every_job(tx: Conn, name: str) -> None:
    tx.execute("select forge.enqueue('t') from generate_series(1, 3)")
    tx.execute("select forge.fail(d.id, d.lease, 'no', retryable => false) from forge.dequeue() d")

    def found(before: str) -> str | None:
        query = (
            f"select string_agg(f::text, ',') as found from forge.{name}(created_before => %s) f"
        )
        row = tx.execute(query.encode(), (before,)).fetchone()
        assert row is not None
        text: str | None = row["found"]
        return text

    assert found(LAST) == found("infinity") == found("2200-01-01")
    assert found(LAST)
