"""The examples run as their comments say."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.database import Database
from tests.docs.blocks import BLOCK
from tests.worker.processes import ROOT

EXAMPLES = ROOT / "examples"


def run(db: Database, *command: str, cwd: Path = EXAMPLES) -> None:
    environment = {**os.environ, "DATABASE_URL": db.dsn}
    result = subprocess.run(
        command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=60
    )
    assert result.returncode == 0, result.stdout + result.stderr


def test_a_worker_of_ten_lines_of_bash_runs_jobs(db: Database) -> None:
    hostile = 'o\'clock $(touch /tmp/x) `x` "q" | \\ end'
    db.rows("select forge.enqueue('shell', jsonb_build_object('say', %s::text))", hostile)
    db.rows("select forge.enqueue('shell', '{}', max_retries => 3)")
    other = db.value("select forge.enqueue('email') as id")
    run(db, "./worker.sh")
    rows = db.rows("select status, result, errors from forge.all_jobs where type = 'shell'")
    assert {row["status"] for row in rows} == {"COMPLETED", "DEAD"}
    (done,) = [row for row in rows if row["status"] == "COMPLETED"]
    assert done["result"] == f"{hostile}, said the shell"
    (dead,) = [row for row in rows if row["status"] == "DEAD"]
    assert dead["errors"][0]["error"] == "nothing to say"
    assert db.value("select status from forge.jobs where id = %s", other) == "PENDING"
    lines = (EXAMPLES / "worker.sh").read_text().splitlines()
    assert sum(not line.startswith("#") for line in lines) == 10


def test_the_python_example_enqueues_and_runs(db: Database) -> None:
    run(db, sys.executable, "mail.py", "ada@example.com")
    run(db, sys.executable, "-m", "forge", "worker", "mail:forge", "--drain")
    rows = db.rows("select type, queue, status, result from forge.all_jobs order by type")
    assert rows == [
        {"type": "invoice", "queue": "billing", "status": "PENDING", "result": None},
        {
            "type": "welcome",
            "queue": "default",
            "status": "COMPLETED",
            "result": {"sent_to": "ada@example.com"},
        },
    ]


def test_the_handlers_of_the_guide_run(db: Database, tmp_path: Path) -> None:
    guide = (ROOT / "procedures" / "guides" / "running.md").read_text()
    handlers = [text for _, language, text in BLOCK.findall(guide) if language == "python"]
    app = "from forge import Forge, Job\n\nforge = Forge()\n" + "".join(handlers)
    (tmp_path / "guide.py").write_text(app)
    db.rows("create table charges (order_id bigint)")
    for type in ("resize", "thumbnail", "charge"):
        db.rows("select forge.enqueue(%s, '{\"order\": 7}')", type)
    run(db, sys.executable, "-m", "forge", "worker", "guide:forge", "--drain", cwd=tmp_path)
    rows = db.rows("select type, status, result from forge.all_jobs order by type")
    assert [tuple(row.values()) for row in rows] == [
        ("charge", "COMPLETED", {"charged": True}),
        ("resize", "COMPLETED", {"pages": 12}),
        ("thumbnail", "COMPLETED", None),
    ]
    assert db.rows("select order_id from charges") == [{"order_id": 7}]
    assert db.value("select message from forge.job_logs") == "page 3"
