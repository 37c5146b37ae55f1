"""What a newcomer types at a running `forge up`."""

from __future__ import annotations

import json
import subprocess
from typing import Any

from tests.up.running import Running

PAYLOAD = {"to": "user@example.com", "subject": "Hello"}


def curl(running: Running, line: str) -> Any:
    """A curl line of the contract, to the letter but for the port."""
    command = line.replace("http://localhost:8080", f"http://localhost:{running.port}")
    done = subprocess.run(
        f"curl -sS --fail-with-body --noproxy '*' {command.removeprefix('curl ')}",
        shell=True,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)


def test_the_five_curl_lines_work(shared: Running) -> None:
    job = curl(
        shared,
        'curl -X POST http://localhost:8080/jobs -H "Content-Type: application/json" -d '
        '\'{"type":"email","payload":{"to":"user@example.com","subject":"Hello"},'
        '"priority":10,"max_retries":5}\'',
    )["id"]
    found = curl(shared, f"curl http://localhost:8080/jobs/{job}")
    assert (found["payload"], found["priority"], found["max_retries"]) == (PAYLOAD, 10, 5)
    assert curl(shared, "curl http://localhost:8080/stats")
    dead = shared.enqueue("email", {"subject": "to nobody"})
    assert shared.ended(dead)["status"] == "DEAD"
    assert dead in {item["id"] for item in curl(shared, "curl http://localhost:8080/dlq")["items"]}
    assert curl(shared, f"curl -X POST http://localhost:8080/dlq/{dead}/retry")["id"] == dead


def test_the_dashboard_is_served(shared: Running) -> None:
    page = subprocess.run(
        ["curl", "-sSf", "--noproxy", "*", f"{shared.facts['url']}/"],
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    ).stdout
    assert "<html" in page


def test_a_webhook_to_a_private_address_dies_with_a_clear_error(shared: Running) -> None:
    job = shared.ended(shared.enqueue("webhook", {"url": "http://127.0.0.1:9/hook", "json": {}}))
    assert (job["status"], job["attempts"]) == ("DEAD", 1)
    assert "127.0.0.1" in job["errors"][0]["error"]


def test_a_report_runs_as_a_login_that_is_no_superuser(shared: Running) -> None:
    query = "select current_setting('is_superuser') as super, count(*) from forge.stats()"
    job = shared.ended(shared.enqueue("report", {"query": query, "format": "json"}))
    assert job["status"] == "COMPLETED", job["errors"]
    written = next((shared.home / "reports").rglob("*.json"))
    assert '"off"' in written.read_text()


def test_a_report_writes_nothing(shared: Running) -> None:
    query = "select forge.enqueue('email')"
    job = shared.ended(shared.enqueue("report", {"query": query}, max_retries=0))
    assert job["status"] == "DEAD"


def test_the_facts_lead_to_the_database(shared: Running) -> None:
    import psycopg

    with psycopg.connect(shared.facts["database"]) as connection:
        assert connection.execute("select forge.version()").fetchone()
