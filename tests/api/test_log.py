"""GET /jobs/{id}/log, and the timeout of a job."""

from __future__ import annotations

from collections.abc import Callable

from tests.api.conftest import TOKENS, Client, bearer
from tests.api.jobs import enqueue, run
from tests.database import Database


def say(db: Database, job: dict[str, object], message: str, data: str | None = None) -> None:
    query = "select forge.log(%s, %s, %s, data => %s::jsonb)"
    db.rows(query, job["id"], job["lease"], message, data)


def test_a_log_is_read_while_its_job_runs(api: Client, db: Database) -> None:
    enqueue(db)
    job = run(db)
    empty = api.get(f"/jobs/{job['id']}/log").json()
    assert empty == {"items": [], "next": 0}

    for n in range(3):
        say(db, job, f"line {n}", '{"password": "x", "n": 1.50}')
    page = api.get(f"/jobs/{job['id']}/log", params={"limit": 2})
    assert '"n": 1.50' in page.text  # as it was written
    lines = page.json()["items"]
    assert [line["message"] for line in lines] == ["line 0", "line 1"]
    assert page.json()["next"] == lines[-1]["id"]

    rest = api.get(f"/jobs/{job['id']}/log", params={"after": lines[-1]["id"]}).json()
    assert [line["message"] for line in rest["items"]] == ["line 2"]
    later = api.get(f"/jobs/{job['id']}/log", params={"after": rest["next"]}).json()
    assert later == {"items": [], "next": rest["next"]}


def test_secrets_are_shown_to_operators_only(make_api: Callable[..., Client], db: Database) -> None:
    api = make_api(tokens=TOKENS)
    enqueue(db)
    job = run(db)
    say(db, job, "hello", '{"password": "x", "n": 1.50}')
    seen = {
        role: api.get(f"/jobs/{job['id']}/log", headers=bearer(role)).json()["items"][0]["data"]
        for role in ("viewer", "producer", "operator")
    }
    hidden, shown = {"password": "[redacted]", "n": 1.5}, {"password": "x", "n": 1.5}
    assert seen == {"viewer": hidden, "producer": hidden, "operator": shown}


def test_a_job_that_is_not_there_has_no_log(api: Client) -> None:
    assert api.get("/jobs/4711/log").status_code == 404


def test_a_job_is_enqueued_with_a_timeout(api: Client) -> None:
    answer = api.post("/jobs", json={"type": "email", "timeout_seconds": 90})
    assert (answer.status_code, answer.json()["timeout_seconds"]) == (201, 90.0)
    refused = api.post("/jobs", json={"type": "email", "timeout_seconds": 0.5})
    assert (refused.status_code, refused.json()["code"]) == (422, "JQ001")
