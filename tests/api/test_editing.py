"""PATCH /jobs/{id}, POST /jobs/edit, POST /jobs/cancel."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.api.conftest import TOKENS, Client, bearer
from tests.api.jobs import dead, enqueue, run
from tests.database import Database


def test_a_job_is_changed(api: Client, db: Database) -> None:
    job_id = enqueue(db, priority=1, tags=["x"])
    changes = {
        "payload": {"n": 1.50},
        "priority": 7,
        "scheduled_at": "2040-01-01T00:00:00Z",
        "queue": "other",
        "max_retries": 3,
        "tags": None,
        "timeout_seconds": 5.0,
    }
    answer = api.patch(f"/jobs/{job_id}", json=changes)
    assert answer.status_code == 200, answer.text
    assert {name: answer.json()[name] for name in changes} == changes
    assert api.get(f"/jobs/{job_id}").json() == answer.json()


def test_null_is_back_to_the_default_and_a_payload_of_null_is_one(
    api: Client, db: Database
) -> None:
    job_id = enqueue(db, max_retries=3, payload='{"n": 1}')
    job = api.patch(f"/jobs/{job_id}", json={"max_retries": None, "payload": None}).json()
    assert (job["max_retries"], job["payload"]) == (10, None)


def test_what_cannot_be_edited_says_why(api: Client, db: Database) -> None:
    assert api.patch("/jobs/1", json={"priority": 1}).json()["code"] == "JQ003"
    assert api.patch(f"/jobs/{dead(db)}", json={"priority": 1}).status_code == 409
    job_id = enqueue(db)
    assert api.patch(f"/jobs/{job_id}", json={"priority": 40000}).status_code == 422
    assert api.patch(f"/jobs/{job_id}", json={"priority": None}).status_code == 422
    assert api.patch(f"/jobs/{job_id}", json={"status": "DEAD"}).status_code == 422
    enqueue(db, queue="q")
    running = run(db, queue="q")["id"]
    assert api.patch(f"/jobs/{running}", json={"queue": "a"}).json()["code"] == "JQ004"


def test_many_are_changed_in_batches(api: Client, db: Database) -> None:
    ids = [enqueue(db, type="mine", payload='{"a": 1}') for _ in range(3)]
    enqueue(db, type="other")
    body = {
        "filter": {"type": "mine", "payload": {"a": 1}, "limit": 2},
        "priority": 5,
        "merge_payload": {"b": 2},
    }
    first = api.post("/jobs/edit", json=body)
    assert first.status_code == 200, first.text
    assert first.json() == {
        "matched": 2, "changed": 2, "skipped": 0, "last_id": ids[1], "more": True,
    }  # fmt: skip
    body["filter"]["after"] = ids[1]  # type: ignore[index]
    assert api.post("/jobs/edit", json=body).json()["changed"] == 1
    job = api.get(f"/jobs/{ids[2]}").json()
    assert (job["priority"], job["payload"]) == (5, {"a": 1, "b": 2})


def test_many_are_counted_and_cancelled(api: Client, db: Database) -> None:
    ids = [enqueue(db, tags=["x"]) for _ in range(2)]
    counted = api.post("/jobs/cancel", json={"tag": "x", "dry_run": True}).json()
    assert (counted["matched"], counted["changed"]) == (2, 0)
    assert api.post("/jobs/cancel", json={"tag": "x"}).json()["changed"] == 2
    assert api.get(f"/jobs/{ids[0]}").json()["status"] == "CANCELLED"
    assert api.post("/jobs/cancel", json={"tags": "x"}).status_code == 422
    assert api.post("/jobs/cancel", json={"status": "DEAD"}).json()["code"] == "JQ001"


@pytest.mark.parametrize("role", ["viewer", "producer", "worker"])
def test_only_an_operator_edits(make_api: Callable[..., Client], role: str) -> None:
    api = make_api(tokens=TOKENS)
    for method, path in (
        ("PATCH", "/jobs/1"),
        ("POST", "/jobs/edit"),
        ("POST", "/jobs/cancel"),
        ("PUT", "/admissions/q"),
        ("DELETE", "/admissions/q"),
        ("PUT", "/schemas/t"),
        ("DELETE", "/schemas/t"),
    ):
        answer = api.request(method, path, json={}, headers=bearer(role))
        assert answer.status_code == 403, (method, path)
