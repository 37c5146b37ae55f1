"""Commands behind a pooler: what migrates, and the rest as one types it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.database import Database
from tests.pgbouncer import PgBouncer


def forge(dsn: str, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "forge", *arguments],
        env={**os.environ, "DATABASE_URL": dsn, **variables},
        capture_output=True,
        text=True,
        timeout=100,
    )


def test_a_migration_goes_past_the_pooler_or_not_at_all(
    pooler: PgBouncer, blank_db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("FORGE_LISTEN_URL", raising=False)
    pooled = pooler.through(blank_db.direct)

    refused = forge(pooled, "migrate")
    assert refused.returncode != 0
    assert "a pooler shares the sessions" in refused.stderr
    assert "FORGE_LISTEN_URL" in refused.stderr
    assert blank_db.value("select to_regnamespace('forge')") is None

    done = forge(pooled, "migrate", FORGE_LISTEN_URL=blank_db.direct)
    assert done.returncode == 0, done.stderr
    assert forge(pooled, "enqueue", "email").returncode == 0
    looked = forge(pooled, "doctor")
    assert "differ" not in looked.stdout, looked.stdout
    assert blank_db.value("select count(*) from forge.jobs") == 1


def test_the_worker_of_psql_runs_its_jobs(pooled: str, db: Database) -> None:
    db.rows(
        "select forge.enqueue('shell', jsonb_build_object('say', 'hello ' || n))"
        " from generate_series(1, 3) as n"
    )
    script = Path(__file__).parents[2] / "examples" / "worker.sh"
    done = subprocess.run(
        [str(script)], env={**os.environ, "DATABASE_URL": pooled}, capture_output=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    results = db.rows("select result #>> '{}' as said from forge.history order by id")
    assert [row["said"] for row in results] == [f"hello {n}, said the shell" for n in (1, 2, 3)]
