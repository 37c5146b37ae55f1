"""`forge doctor`: silent where all is well; else a code, a sentence, what to do, and status 1."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import pytest
from psycopg.conninfo import make_conninfo

from tests.database import Clock, Database


def doctor(dsn: str, *args: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "forge", "doctor", *args],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "DATABASE_URL": dsn, **env},
        stdin=subprocess.DEVNULL,
    )


def findings(dsn: str, **env: str) -> dict[str, dict[str, Any]]:
    """By code, without what the test server's own settings give rise to."""
    result = doctor(dsn, "--json", **env)
    assert "Traceback" not in result.stderr
    found = {one["code"]: one for one in json.loads(result.stdout)}
    assert result.returncode == any(one["severity"] == "warning" for one in found.values())
    return {code: one for code, one in found.items() if code != "commits_not_durable"}


@pytest.fixture
def well(blank_db: Database) -> Database:
    """A database as `forge migrate` leaves it: the test clock of `db` is a difference."""
    from forge.migrate import migrate

    migrate(blank_db.dsn)
    return blank_db


def test_a_fresh_installation_is_well(well: Database) -> None:
    assert findings(well.dsn) == {}


def test_a_changed_function_and_a_leftover_are_named_and_left_alone(well: Database) -> None:
    well.rows("create function forge.mine() returns integer language sql as 'select 1'")
    well.rows(
        "create or replace function forge.version() returns text language sql as $$select 'x'$$"
    )

    found = findings(well.dsn)

    assert "forge.mine()" in found["installation_differs"]["sentence"]
    assert "forge.version()" in found["installation_differs"]["sentence"]
    assert "forge migrate" in found["installation_differs"]["hint"]
    assert well.value("select forge.version()") == "x"


def test_a_missing_migration_is_named(well: Database) -> None:
    well.rows("delete from forge._yoyo_migration where migration_id like '0001.%%'", x=1)

    assert "migration 0001." in findings(well.dsn)["installation_differs"]["sentence"]


def test_without_forge_it_says_what_to_run(blank_db: Database) -> None:
    result = doctor(blank_db.dsn)

    assert result.returncode == 1
    assert "forge migrate" in result.stdout + result.stderr
    assert "Traceback" not in result.stderr


def test_due_jobs_without_a_worker_are_a_warning_and_in_a_paused_queue_a_remark(
    well: Database,
) -> None:
    well.rows("select forge.enqueue('t', queue => 'lonely')")
    well.rows("select forge.enqueue('t', queue => 'halted'), forge.pause('halted')")

    found = findings(well.dsn)

    assert "lonely" in found["no_worker"]["sentence"]
    assert "--queue lonely" in found["no_worker"]["hint"]
    assert found["paused_with_work"]["severity"] == "info"


def test_no_tick_for_a_minute_is_a_warning(db: Database, clock: Clock) -> None:
    db.rows("select forge.tick()")
    assert "no_tick" not in findings(db.dsn)

    clock.advance(seconds=61)

    assert "forge tick" in findings(db.dsn)["no_tick"]["hint"]


def test_a_transaction_that_stays_open_is_a_warning(db: Database, clock: Clock) -> None:
    open_one = db.connect(autocommit=False)
    open_one.execute("select 1")
    clock.advance(seconds=301)

    found = findings(db.dsn)
    open_one.rollback()

    assert str(open_one.info.backend_pid) in found["long_transaction"]["sentence"]


def test_a_variable_that_nothing_reads_is_a_warning(well: Database) -> None:
    found = findings(well.dsn, FORGE_REPROT_DIR="/tmp")

    assert "FORGE_REPROT_DIR" in found["unknown_variable"]["sentence"]


def test_a_login_that_may_not_load_functions_still_hears_of_the_queues(well: Database) -> None:
    name = f"{well.name}_viewer"
    well.rows(f"create role {name} login")
    try:
        well.rows(f"grant forge_viewer to {name}")
        well.rows("select forge.enqueue('t', queue => 'lonely')")

        found = findings(make_conninfo(well.dsn, user=name))

        assert found["installation_unchecked"]["severity"] == "info"
        assert "lonely" in found["no_worker"]["sentence"]
    finally:
        well.rows(f"drop owned by {name}")
        well.rows(f"drop role {name}")
