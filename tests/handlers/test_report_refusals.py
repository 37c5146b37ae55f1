"""The `report` handler against a real PostgreSQL: what it refuses, and what it gives up."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import psycopg
import pytest

from forge.errors import PermanentError
from forge.handlers.config import ReportConfig
from forge.handlers.report import ReportFailed, ReportHandler
from tests.database import Database

from .conftest import MakeJob, Report, leftovers
from .waiting import until

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    "query",
    [
        "selec 1",
        "select nothing from nowhere",
        "select * from secrets",
        "select 1/0",
        "select 'a'::int",
        "select 1; select 2",
        "select 1; commit; insert into sales values ('x', 1)",
        "insert into sales values ('x', 1)",
        "with w as (insert into sales values ('x', 1) returning 1) select * from w",
        "select * from sales for update",
        "select set_config('transaction_read_only', 'off', false)",
        "select pg_read_file('/etc/passwd')",
        "create table t (n int)",
        "copy sales to program 'true'",
        "explain select 1",
        "select $1",
        "--",
        " ",
    ],
)
async def test_a_query_that_cannot_run_never_retries(
    report: Report, blank_db: Database, tmp_path: Path, query: str
) -> None:
    with pytest.raises(PermanentError, match="the query cannot be run"):
        await report(query)

    assert leftovers(tmp_path) == []
    assert blank_db.value("select count(*) from sales") == 2


@pytest.mark.parametrize(
    "payload",
    [
        {"query": ""},
        {"query": 1},
        {"query": "select 1", "format": "xlsx"},
        {"query": "select 1", "dsn": "host=elsewhere"},
        {"query": "select 1", "params": {"a": 1}},
        {"query": "select 1 as a, 2 as a", "format": "json"},
        *(
            {"query": "select 1", "filename": name}
            for name in (
                "../up",
                "/etc/cron.d/x",
                "a/b",
                ".hidden",
                "",
                "a\x00b",
                "a\nb",
                "é" * 300,
            )
        ),
        {"query": "select 1", "filename": "a" * 201},
        {"query": "select 1", "filename": "..\\up"},
    ],
    ids=repr,
)
async def test_a_bad_payload_never_retries(
    report: Report, tmp_path: Path, payload: dict[str, Any]
) -> None:
    with pytest.raises(PermanentError):
        await report(**payload)

    assert leftovers(tmp_path) == []


@pytest.mark.parametrize("limit", [{"MAX_ROWS": 10}, {"MAX_BYTES": 100}])
async def test_a_report_over_a_limit_is_refused_and_leaves_nothing(
    report: Report, tmp_path: Path, limit: dict[str, int]
) -> None:
    with pytest.raises(PermanentError, match="over 10"):
        await report("select n from generate_series(1, 100000) as n", **limit)

    assert leftovers(tmp_path) == []


@pytest.mark.parametrize(
    "query",
    [
        "select pg_sleep(20)",
        # Takes its own statement timeout away, and then one fetch after the other.
        "select set_config('statement_timeout', '0', false), pg_sleep(0.001)"
        " from generate_series(1, 1000000)",
    ],
)
async def test_a_long_query_is_stopped_and_worth_another_attempt(
    report: Report, blank_db: Database, tmp_path: Path, query: str
) -> None:
    with pytest.raises(ReportFailed, match=r"over 0\.5 s"):
        await report(query, TIMEOUT=0.5)

    assert leftovers(tmp_path) == []
    running = "select count(*) from pg_stat_activity where application_name = 'forge report'"
    await until(lambda: not blank_db.value(f"{running} and datname = current_database()"))


async def test_a_lost_connection_is_worth_another_attempt(
    report: Report, blank_db: Database, tmp_path: Path
) -> None:
    task = asyncio.create_task(report("select pg_sleep(20)"))
    kill = (
        "select count(pg_terminate_backend(pid)) from pg_stat_activity"
        " where application_name = 'forge report' and datname = current_database()"
        " and query like '%%FETCH%%'"
    )
    await until(lambda: blank_db.value(kill))
    with pytest.raises(ReportFailed, match="did not answer"):
        await task

    assert leftovers(tmp_path) == []


async def test_a_database_that_is_away_is_worth_another_attempt(
    make_job: MakeJob, tmp_path: Path
) -> None:
    handler = ReportHandler(ReportConfig(), tmp_path, "host=/nonexistent dbname=x")
    with pytest.raises(ReportFailed, match="did not answer"):
        await handler(make_job({"query": "select 1"}))


async def test_a_superuser_is_refused_unless_allowed(
    make_job: MakeJob, blank_db: Database, tmp_path: Path
) -> None:
    with psycopg.connect(blank_db.dsn) as connection:
        if connection.info.parameter_status("is_superuser") != "on":
            pytest.skip("the test server's login is no superuser")
    job = make_job({"query": "select 1 as n"})

    with pytest.raises(PermanentError, match="superuser"):
        await ReportHandler(ReportConfig(), tmp_path, blank_db.dsn)(job)
    await ReportHandler(ReportConfig(allow_superuser=True), tmp_path, blank_db.dsn)(job)

    assert leftovers(tmp_path) == ["report-4711.csv"]
