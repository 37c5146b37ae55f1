"""A queue that was empty when it was last analyzed: the planner takes the table for one row."""

from __future__ import annotations

import pytest
from psycopg.rows import DictRow

from tests.database import Database
from tests.procedures.calls import Calls

BACKLOG = 3000
READ = """
select coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0)
from pg_stat_xact_user_tables where relid = 'forge.jobs'::regclass
"""


@pytest.fixture
def backlog(db: Database, call: Calls) -> list[DictRow]:
    """Five claimed jobs and a backlog, in an open transaction, on a table thought to be empty."""
    jobs = [{"type": "t"}] * BACKLOG
    with call.connection.transaction(force_rollback=True):
        call.enqueue_many(*jobs)
    call.select("analyze forge.jobs")
    assert call.one("select reltuples from pg_class where oid = 'forge.jobs'::regclass") == 0
    call.select("begin")
    call.enqueue_many(*jobs)
    return call.rows("dequeue", max_jobs=5)


@pytest.mark.parametrize("function", ["dequeue", "exchange", "complete_many", "heartbeat"])
def test_the_backlog_is_not_walked_over(function: str, call: Calls, backlog: list[DictRow]) -> None:
    mine: dict[str, object] = {
        "ids": [job["id"] for job in backlog],
        "leases": [job["lease"] for job in backlog],
    }
    given: dict[str, dict[str, object]] = {
        "dequeue": {"max_jobs": 5},
        "exchange": {**mine, "max_jobs": 5},
        "complete_many": mine,
        "heartbeat": {**mine, "worker": "w"},
    }
    before = call.one(READ)

    call.rows(function, **given[function])

    assert call.one(READ) - before < 100
    call.select("rollback")
