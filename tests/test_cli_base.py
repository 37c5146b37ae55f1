"""The command line's frame: help, laziness, exit codes, and the two commands of the platform."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys

import click
import pytest

from forge.cli import COMMANDS, SUMMARIES, cli
from forge.script import render_sql
from tests.database import Database


def forge(*args: str, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "forge", *args],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **(env or {})},
        stdin=subprocess.DEVNULL,
    )


def test_help_lists_every_command_and_the_exit_codes() -> None:
    result = forge("--help")

    assert result.returncode == 0
    assert all(name in result.stdout for name in COMMANDS)
    assert "Exit codes" in result.stdout


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_exists_and_says_what_it_does(name: str) -> None:
    command = cli.get_command(click.Context(cli), name)

    assert command is not None
    assert command.name == name
    assert command.help
    assert name in SUMMARIES


def test_help_imports_no_command() -> None:
    code = (
        "import sys, contextlib, forge.cli\n"
        "with contextlib.suppress(SystemExit): forge.cli.main(['--help'])\n"
        "sys.exit(any(m in sys.modules for m in ('psycopg', 'litestar', 'rich.table')))"
    )

    assert subprocess.run([sys.executable, "-c", code], capture_output=True).returncode == 0


def test_version() -> None:
    assert forge("--version").stdout == f"forge {importlib.metadata.version('forge')}\n"


@pytest.mark.parametrize("args", [("nonsense",), ("migrate", "--nonsense"), ("migrate", "--all")])
def test_wrong_usage_exits_with_2(args: tuple[str, ...]) -> None:
    result = forge(*args)

    assert result.returncode == 2
    assert "Traceback" not in result.stderr


def test_a_bad_setting_exits_with_2_and_names_the_variable() -> None:
    result = forge("migrate", env={"PORT": "http"})

    assert result.returncode == 2
    assert "PORT=http" in result.stderr
    assert "Traceback" not in result.stderr


def test_an_unreachable_database_exits_with_3_and_says_what_to_check() -> None:
    result = forge("migrate", env={"DATABASE_URL": "postgres://u@127.0.0.1:1/nothing"})

    assert result.returncode == 3
    assert "DATABASE_URL" in result.stderr
    assert "Traceback" not in result.stderr


def test_a_nonsensical_database_url_is_explained() -> None:
    result = forge("migrate", env={"DATABASE_URL": "not a url"})

    assert result.returncode == 2
    assert "DATABASE_URL" in result.stderr
    assert "Traceback" not in result.stderr


def test_migrate_forward_and_back(blank_db: Database) -> None:
    env = {"DATABASE_URL": blank_db.dsn}

    forward = forge("migrate", "--json", env=env)
    undecided = forge("migrate", "--rollback", env=env)
    back = forge("migrate", "--rollback", "--all", "--yes", env=env)

    assert json.loads(forward.stdout)["migrations"][0].startswith("0001.")
    assert undecided.returncode == 130
    assert (back.returncode, blank_db.value("select to_regnamespace('forge')")) == (0, None)


def test_sql_prints_the_script() -> None:
    result = forge("sql")

    assert (result.returncode, result.stdout) == (0, render_sql())


def test_a_reader_that_goes_away_is_no_error() -> None:
    result = subprocess.run(
        ["/bin/sh", "-c", f"{sys.executable} -m forge sql | head -n 1"],
        capture_output=True,
        text=True,
        check=False,
    )

    assert result.stderr == ""
