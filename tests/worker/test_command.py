"""`forge worker` and `forge tick` as commands: what they take, what they say, how they end."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from forge.cli.worker import load_app
from tests.database import Database
from tests.worker.conftest import StartWorker
from tests.worker.processes import ROOT


def forge(*arguments: str, dsn: str = "", cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "forge", *arguments],
        env={**os.environ, "DATABASE_URL": dsn},
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "--builtin"),
        (["no_such_module:forge"], "there is no module 'no_such_module'"),
        (["tests.worker.app:nothing"], "nothing"),
        (["tests.worker.app:noop"], "not a Forge but a function"),
        (["tests.worker.app", "--queue", "a=0"], "NAME=CONCURRENCY"),
        (["tests.worker.app", "--queue", "=3"], "NAME=CONCURRENCY"),
        (["tests.worker.app", "--poll-interval", "0"], "out of range"),
        (["tests.worker.app", "--lease", "0.5"], "out of range"),
    ],
)
def test_wrong_usage_is_refused(arguments: list[str], says: str) -> None:
    result = forge("worker", *arguments, dsn="host=/nonexistent")
    assert result.returncode in (1, 2)
    assert says in result.stderr
    assert "Traceback" not in result.stderr


def test_a_worker_without_handlers_is_refused(tmp_path: Path) -> None:
    (tmp_path / "bare.py").write_text("from forge import Forge\nforge = Forge()\n")
    result = forge("worker", "bare", dsn="host=/nonexistent", cwd=tmp_path)
    assert result.returncode == 1
    assert "@forge.handler" in result.stderr


def test_a_mistake_in_the_application_is_shown_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "broken_app.py").write_text("import a_module_that_is_missing\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    with pytest.raises(ModuleNotFoundError, match="a_module_that_is_missing"):
        load_app("broken_app:forge")


def test_a_database_without_forge_ends_the_worker_with_a_hint(blank_db: Database) -> None:
    result = forge("worker", "tests.worker.app", dsn=blank_db.dsn)
    assert result.returncode == 1
    assert "forge migrate" in result.stderr


def test_drain_ends_when_no_job_is_due(db: Database, start: StartWorker) -> None:
    db.rows("select forge.enqueue('noop') from generate_series(1, 500)")
    db.rows("select forge.enqueue('noop', scheduled_at => now() + interval '1 hour')")
    assert start("--drain").ends() == 0
    query = "select (select count(*) from forge.history) as done, count(*) as left from forge.jobs"
    assert db.rows(query) == [{"done": 500, "left": 1}]


def test_the_builtin_handlers_need_no_application(db: Database) -> None:
    db.rows("select forge.enqueue('webhook', '{\"url\": \"http://127.0.0.1:9/\"}')")
    assert forge("worker", "--builtin", "--drain", dsn=db.dsn).returncode == 0
    (row,) = db.rows("select status, errors from forge.all_jobs")
    assert row["errors"], row


def test_tick_does_the_maintenance_once(db: Database) -> None:
    result = forge("tick", "--json", dsn=db.dsn)
    assert (result.returncode, result.stderr) == (0, "")
