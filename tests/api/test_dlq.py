"""The dead-letter queue."""

from __future__ import annotations

from tests.api.conftest import Client
from tests.api.jobs import dead, enqueue
from tests.database import Database


def test_dead_jobs_are_listed_with_their_errors(api: Client, db: Database) -> None:
    job_id = dead(db, error="no such mailbox")
    enqueue(db)
    (job,) = api.get("/dlq").json()["items"]
    assert (job["id"], job["status"]) == (job_id, "DEAD")
    assert job["errors"][0]["error"] == "no such mailbox"


def test_dead_jobs_are_found_by_queue_type_and_error(api: Client, db: Database) -> None:
    wanted = dead(db, queue="q", type="x", error="timeout of the receiver")
    dead(db)
    for query in ({"queue": "q"}, {"type": "x"}, {"error": "timeout"}):
        items = api.get("/dlq", params=query).json()["items"]
        assert [job["id"] for job in items] == [wanted], query


def test_a_dead_job_comes_back_without_a_body_or_content_type(api: Client, db: Database) -> None:
    job_id = dead(db)
    answer = api.post(f"/dlq/{job_id}/retry")
    assert answer.status_code == 200
    assert (answer.json()["from_status"], answer.json()["to_status"]) == ("DEAD", "PENDING")
    assert api.get("/dlq").json()["items"] == []


def test_an_empty_form_is_no_body(api: Client, db: Database) -> None:
    """What `curl -X POST -d ''` sends."""
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    assert api.post(f"/dlq/{dead(db)}/retry", content=b"", headers=headers).status_code == 200


def test_a_dead_job_can_be_discarded(api: Client, db: Database) -> None:
    job_id = dead(db)
    assert api.delete(f"/dlq/{job_id}").json()["from_status"] == "DEAD"
    assert api.get("/dlq").json()["items"] == []


def test_only_dead_jobs_can_be_discarded(api: Client, db: Database) -> None:
    answer = api.delete(f"/dlq/{enqueue(db)}")
    assert (answer.status_code, answer.json()["code"]) == (409, "JQ004")


def test_dead_jobs_come_back_in_batches(api: Client, db: Database) -> None:
    for _ in range(3):
        dead(db, type="x")
    dead(db, type="other")
    wanted = {"type": "x", "limit": 2}
    assert api.post("/dlq/retry", json=wanted).json() == {"retried": 2, "more": True}
    assert api.post("/dlq/retry", json=wanted).json() == {"retried": 1, "more": False}
    assert [job["type"] for job in api.get("/dlq").json()["items"]] == ["other"]


def test_without_a_body_any_dead_job_comes_back(api: Client, db: Database) -> None:
    dead(db)
    assert api.post("/dlq/retry").json() == {"retried": 1, "more": False}


def test_dead_jobs_come_back_by_error_and_time(api: Client, db: Database) -> None:
    dead(db, error="one")
    dead(db, error="two")
    none = {"error": "one", "died_before": "2001-01-01T00:00:00Z"}
    assert api.post("/dlq/retry", json=none).json()["retried"] == 0
    assert api.post("/dlq/retry", json={"error": "one"}).json()["retried"] == 1
