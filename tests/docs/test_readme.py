"""Every code block of the README runs."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

from click.testing import CliRunner

from forge.cli import cli
from tests.api.serving import forge_api
from tests.database import Database
from tests.docs.blocks import ROOT, block, blocks


def shell(script: str, folder: Path, **variables: str) -> str:
    """What a script prints; `forge` is this environment's own."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=folder,
        env={**os.environ, **variables, "PATH": path},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_every_block_with_a_language_says_how_it_is_run() -> None:
    assert [how for how, _, _ in blocks()] == [
        "make",
        "sql",
        "curl",
        "python",
        "worker",
        "commands",
    ]


def test_the_two_commands_exist() -> None:
    makefile = (ROOT / "Makefile").read_text()
    targets = re.findall(r"^make (\w+)", block("make"), re.MULTILINE)
    assert targets == ["up", "test"]
    assert all(re.search(rf"^{target}:", makefile, re.MULTILINE) for target in targets)


def test_the_sql_runs_a_whole_life(db: Database) -> None:
    connection = db.connect()
    for statement in re.split(r";\n", block("sql")):
        if statement.strip():
            connection.execute(statement.encode())
    rows = db.rows("select status, result, errors -> 0 ->> 'error' as error from forge.all_jobs")
    assert {"status": "COMPLETED", "result": {"sent": True}, "error": None} in rows
    assert {"status": "PENDING", "result": None, "error": "mailbox full"} in rows
    assert len(rows) == 4


def test_the_curl_lines_work_to_the_letter(db: Database, tmp_path: Path) -> None:
    dead = db.value("select forge.enqueue('email') as id")
    db.rows("select forge.fail(d.id, d.lease, 'x', false) from forge.dequeue() as d")
    lines = block("curl").replace("\\\n", " ").strip().splitlines()
    with forge_api(db.dsn) as (address, _):
        create, read, stats, dlq, retry = (
            line.replace("http://localhost:8080", address).replace("curl ", "curl -sSf ")
            for line in lines
        )
        made = json.loads(shell(create, tmp_path))
        assert made["payload"] == {"to": "user@example.com", "subject": "Hello"}
        assert (made["priority"], made["max_retries"], made["status"]) == (10, 5, "PENDING")
        assert json.loads(shell(read.replace("{id}", str(made["id"])), tmp_path)) == made
        assert json.loads(shell(stats, tmp_path))
        assert [job["id"] for job in json.loads(shell(dlq, tmp_path))["items"]] == [dead]
        shell(retry.replace("{id}", str(dead)), tmp_path)
    assert db.value("select status from forge.job(%s)", dead) == "PENDING"


def test_the_python_worker_runs(db: Database, tmp_path: Path) -> None:
    (tmp_path / "myapp.py").write_text(block("python"))
    # --drain ends the worker when nothing is due; the README's runs until it is told to stop.
    shell(f"{block('worker').strip()} --drain", tmp_path, DATABASE_URL=db.dsn)
    assert db.rows("select status, result from forge.all_jobs") == [
        {"status": "COMPLETED", "result": {"greeting": "hello Ada"}}
    ]


def test_the_commands_exist() -> None:
    for line in block("commands").splitlines():
        words = shlex.split(line, comments=True)
        if words[0] != "forge":
            continue
        command = words[1 : words.index(">") if ">" in words else None]
        result = CliRunner().invoke(cli, [*command, "--help"])
        assert result.exit_code == 0, result.output
