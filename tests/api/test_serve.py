"""`forge api` as a process, and the contract's five curl lines to the letter."""

from __future__ import annotations

import json
import shlex
import shutil
import signal
import socket
import subprocess
import sys
from typing import Any

import pytest

from forge.listening import bind
from tests.api.jobs import dead
from tests.api.serving import PATIENCE, forge_api
from tests.database import Database

FIVE = """\
curl -X POST http://localhost:8080/jobs -H "Content-Type: application/json" \
  -d '{"type":"email","payload":{"to":"user@example.com","subject":"Hello"},"priority":10,"max_retries":5}'
curl http://localhost:8080/jobs/{id}
curl http://localhost:8080/stats
curl http://localhost:8080/dlq
curl -X POST http://localhost:8080/dlq/{id}/retry""".splitlines()  # noqa: E501


def curl(line: str, url: str, job_id: int | None = None) -> Any:
    """Runs the line as it stands, but for the port and the id."""
    port = url.rsplit(":", 1)[1]
    words = shlex.split(line.replace("localhost:8080", f"localhost:{port}"))
    words = [word.replace("{id}", str(job_id)) if "http" in word else word for word in words]
    done = subprocess.run(
        [*words, "--silent", "--show-error", "--fail-with-body", "--max-time", "20"],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, (done.stderr, done.stdout)
    return json.loads(done.stdout)


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_the_five_curl_lines_work_to_the_letter(db: Database) -> None:
    with forge_api(db.dsn) as (url, _):
        made = curl(FIVE[0], url)
        assert made["status"] == "PENDING"
        assert made["payload"] == {"to": "user@example.com", "subject": "Hello"}
        assert (made["priority"], made["max_retries"]) == (10, 5)
        assert curl(FIVE[1], url, made["id"]) == made
        assert curl(FIVE[2], url)["totals"]["ready"] == 1
        assert curl(FIVE[3], url) == {"items": [], "next": None, "searched_to": None}
        db.rows("delete from forge.jobs")
        died = dead(db)
        assert [job["id"] for job in curl(FIVE[3], url)["items"]] == [died]
        assert curl(FIVE[4], url, died)["to_status"] == "PENDING"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_with_status_0(db: Database, number: int) -> None:
    with forge_api(db.dsn) as (_, process):
        process.send_signal(number)
        assert process.wait(PATIENCE) == 0


def _refused(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "forge", "api", *arguments],
        env={"DATABASE_URL": "postgres://nobody@127.0.0.1:1/none", **variables},
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_bound_to_the_network_without_tokens_it_refuses_to_start() -> None:
    for arguments, variables in ((("--host", "0.0.0.0"), {}), ((), {"FORGE_HOST": "::"})):
        done = _refused(*arguments, **variables)
        assert done.returncode == 2
        assert "FORGE_TOKENS" in done.stderr
        assert "Traceback" not in done.stderr


def test_answers_do_not_wait_for_acknowledgements() -> None:
    """asyncio sets TCP_NODELAY on connections of a listener that names its protocol only."""
    with bind("127.0.0.1", 0) as listener:
        assert listener.proto == socket.IPPROTO_TCP


def test_a_port_that_is_taken_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = _refused("--port", str(port))
    assert done.returncode == 1
    assert str(port) in done.stderr
    assert "Traceback" not in done.stderr
