"""Workers over HTTP: what only HTTP can get wrong. The rules are held in tests/conformance."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest

from tests.api.conftest import TOKENS, Client, bearer
from tests.api.expect import problem
from tests.api.jobs import enqueue, run
from tests.database import Database

JSON = {"Content-Type": "application/json"}
ID, LEASE = 7, str(uuid4())


def running(db: Database) -> dict[str, Any]:
    enqueue(db)
    job = run(db)
    return {"id": job["id"], "lease": str(job["lease"])}


def test_a_stale_lease_is_a_conflict_that_names_the_job(api: Client) -> None:
    for path, more in (
        ("complete", {}),
        ("fail", {"error": "x"}),
        ("release", {}),
        ("snooze", {"delay_seconds": 1}),
        ("progress", {"value": 0.5}),
        ("log", {"message": "x"}),
    ):
        answer = api.post(f"/worker/{path}", json={"id": ID, "lease": LEASE, **more})
        found = problem(answer, 409, "JQ002")
        assert found["detail"] == f"id={ID} lease={LEASE} status=no such job"


def test_a_payload_comes_as_it_was_sent(api: Client) -> None:
    text = '{"number": 1.00000000000000000000000000000000001, "huge": 1e400, "zero": 0.10}'
    api.post("/jobs", content=f'{{"type": "t", "payload": {text}}}', headers=JSON)
    answer = api.post("/worker/dequeue", json={}).text
    assert "1.00000000000000000000000000000000001" in answer
    assert "1" + "0" * 400 in answer
    assert "0.10" in answer


def test_any_json_is_a_result(api: Client, db: Database) -> None:
    for result in ("[1, 2.50]", '"text"', "false", "0", "null"):
        job = running(db)
        body = f'{{"id": {job["id"]}, "lease": "{job["lease"]}", "result": {result}}}'
        answer = api.post("/worker/complete", content=body, headers=JSON)
        assert answer.json() == {"id": job["id"], "changed": True}
        kept = db.value("select result::text as text from forge.job(%s)", job["id"])
        assert kept == result


def test_failing_does_not_fail_of_its_text(api: Client, db: Database) -> None:
    job = running(db)
    told = {"error": "nul \0 here", "traceback": "t" * 10_000_000, "error_type": "E\0" * 200}
    answer = api.post("/worker/fail", json={**job, **told})
    assert (answer.status_code, answer.json()["status"]) == (200, "PENDING")
    (error,) = db.value("select errors from forge.job(%s)", job["id"])
    assert error["error"] == "nul \ufffd here"


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("dequeue", {"wait_seconds": 31}, "wait_seconds"),
        ("dequeue", {"wait_seconds": -1}, "wait_seconds"),
        ("dequeue", {"wait_second": 1}, "wait_second"),
        ("dequeue", {"max_jobs": 2**31}, "max_jobs"),
        ("dequeue", {"max_jobs": "1"}, "max_jobs"),
        ("dequeue", {"types": "email"}, "types"),
        ("dequeue", {"lease_seconds": 1e300}, "lease_seconds"),
        ("exchange", {"wait_seconds": 1}, "wait_seconds"),
        ("exchange", {"finished": [{"id": ID}]}, "finished[0].lease"),
        ("complete", {"id": ID, "lease": "1"}, "lease"),
        ("complete", {"id": 0, "lease": LEASE}, "id"),
        ("complete", {"id": 2**63, "lease": LEASE}, "id"),
        ("complete", {"lease": LEASE}, "id"),
        ("fail", {"id": ID, "lease": LEASE}, "error"),
        ("snooze", {"id": ID, "lease": LEASE}, "delay_seconds"),
        ("heartbeat", {}, "worker"),
        ("register", {"worker": "w", "concurrency": 1.5}, "concurrency"),
    ],
)  # fmt: skip
def test_a_wrong_field_is_named(path: str, body: Any, field: str, api: Client) -> None:
    found = problem(api.post(f"/worker/{path}", json=body), 422, "JQ001")
    assert [error["field"] for error in found["errors"]] == [field]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("dequeue", {"queue": "nul\0"}),
        ("dequeue", {"worker": "nul\0"}),
        ("dequeue", {"types": ["nul\0"]}),
        ("register", {"worker": "w" * 201}),
        ("register", {"worker": "w", "queues": []}),
        ("register", {"worker": "w", "queues": ["q" * 201]}),
        ("register", {"worker": "w", "concurrency": 0}),
        ("register", {"worker": "w", "host": "nul\0"}),
        ("unregister", {"worker": "nul\0"}),
        ("heartbeat", {"worker": ""}),
        ("heartbeat", {"worker": "w", "extend_seconds": 0}),
        ("heartbeat", {"worker": "w", "jobs": [{"id": ID, "lease": LEASE}] * 10_001}),
        ("complete", {"id": ID, "lease": LEASE, "result": "\0"}),
        ("log", {"id": ID, "lease": LEASE, "message": "\0"}),
    ],
)
def test_a_value_that_sql_refuses_is_refused(path: str, body: Any, api: Client) -> None:
    problem(api.post(f"/worker/{path}", json=body), 422, "JQ001")


def test_a_worker_sees_what_it_runs_and_nothing_else(
    make_api: Callable[..., Client], db: Database
) -> None:
    api = make_api(tokens=TOKENS)
    parent = enqueue(db, payload='{"password": "hunter2"}')
    child = enqueue(db, depends_on=[parent])
    (job,) = api.post("/worker/dequeue", headers=bearer("worker"), json={}).json()["items"]
    assert job["payload"] == {"password": "hunter2"}
    told = {"id": parent, "lease": job["lease"], "result": {"token": "for the child"}}
    api.post("/worker/complete", headers=bearer("worker"), json=told)

    seen = api.get(f"/jobs/{child}/parents", headers=bearer("worker")).json()["items"]
    assert seen[0]["result"] == {"token": "for the child"}
    seen = api.get(f"/jobs/{child}/parents", headers=bearer("viewer")).json()["items"]
    assert seen[0]["result"] == {"token": "[redacted]"}
    problem(api.get(f"/jobs/{child}", headers=bearer("worker")), 403, "JQ403")


def test_a_page_of_another_origin_claims_nothing(api: Client, db: Database) -> None:
    enqueue(db)
    answer = api.post("/worker/dequeue", json={}, headers={"Origin": "https://evil.example"})
    problem(answer, 403, "JQ403")
    assert db.value("select status from forge.jobs") == "PENDING"
