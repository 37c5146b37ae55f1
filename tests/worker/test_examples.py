"""The examples run as their comments say."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.api.serving import forge_api
from tests.api.test_long_poll import BELLS
from tests.concurrency.racing import status, until
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


def test_a_worker_of_bash_and_curl_runs_jobs_until_it_is_told_to_stop(db: Database) -> None:
    def enqueue(**payload: Any) -> int:
        job_id: int = db.value(
            "select forge.enqueue('shell', %s, max_retries => 0)", json.dumps(payload)
        )
        return job_id

    hostile = 'o\'clock $(touch /tmp/x) `x` "q" | \\ ü end'
    token = "a-token-of-a-worker"
    with forge_api(db.dsn, FORGE_TOKENS=f"worker:{token}") as (url, _):
        environment = {**os.environ, "FORGE_API": url, "FORGE_TOKEN": token, "BEAT_SECONDS": "0.1"}
        worker = subprocess.Popen(
            ["./worker-http.sh"], cwd=EXAMPLES, env=environment, stderr=subprocess.PIPE, text=True
        )
        said, silent, endless = enqueue(say=hostile), enqueue(), enqueue(say="x", after=3600)
        until(lambda: status(db, endless) == "PROCESSING")
        assert db.value("select result from forge.job(%s)", said) == f"{hostile}, said the shell"
        (error,) = db.value("select errors from forge.job(%s)", silent)
        assert (status(db, silent), error["error"]) == ("DEAD", "nothing to say\n")

        db.rows("select forge.cancel(%s)", endless)
        until(lambda: status(db, endless) == "CANCELLED")
        assert len(db.rows("select * from forge.list_workers()")) == 1

        endless = enqueue(say="x", after=3600)
        until(lambda: status(db, endless) == "PROCESSING")
        # not before it has the answer in hand, which its heartbeats show
        lease = "select lease_expires_at from forge.jobs where id = %s"
        claimed_until = db.value(lease, endless)
        until(lambda: db.value(lease, endless) > claimed_until)
        worker.terminate()
        _, complaints = worker.communicate(timeout=60)
    assert (worker.returncode, complaints) == (0, "")
    assert db.rows("select status, attempts from forge.jobs") == [
        {"status": "PENDING", "attempts": 0}
    ]
    assert db.rows("select * from forge.list_workers()") == []


def test_a_worker_of_bash_and_curl_that_is_stopped_while_it_waits_has_claimed_nothing(
    db: Database,
) -> None:
    with forge_api(db.dsn) as (url, _):
        environment = {**os.environ, "FORGE_API": url}
        worker = subprocess.Popen(["./worker-http.sh"], cwd=EXAMPLES, env=environment)
        until(lambda: bool(db.value(BELLS)))
        worker.terminate()
        assert worker.wait(60) == 0
        db.rows("select forge.enqueue('shell')")
    assert db.value("select status from forge.jobs") == "PENDING"


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
