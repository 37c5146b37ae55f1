"""The dead-letter queue."""

from __future__ import annotations

import pytest

from tests.api.conftest import Client
from tests.api.expect import problem
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
    answers = [api.post("/dlq/retry", json=wanted).json() for _ in range(2)]
    assert [(a["retried"], a["more"], a["revival"]) for a in answers] == [
        (2, True, None),
        (1, False, None),
    ]
    assert [job["type"] for job in api.get("/dlq").json()["items"]] == ["other"]


def test_without_a_body_any_dead_job_comes_back(api: Client, db: Database) -> None:
    dead(db)
    assert api.post("/dlq/retry").json()["retried"] == 1


def test_dead_jobs_come_back_by_error_and_time(api: Client, db: Database) -> None:
    dead(db, error="one")
    dead(db, error="two")
    none = {"error": "one", "died_before": "2001-01-01T00:00:00Z"}
    assert api.post("/dlq/retry", json=none).json()["retried"] == 0
    assert api.post("/dlq/retry", json={"error": "one"}).json()["retried"] == 1


def test_dead_jobs_are_grouped_by_error(api: Client, db: Database) -> None:
    for n in range(3):
        last = dead(db, error=f"row {n} is bad")
    dead(db, queue="q", error="full")

    groups = {g["title"]: g for g in api.get("/dlq/groups").json()["items"]}

    assert {title: g["jobs"] for title, g in groups.items()} == {"row <n> is bad": 3, "full": 1}
    assert groups["row <n> is bad"]["sample_id"] == last
    assert [g["title"] for g in api.get("/dlq/groups?queue=q").json()["items"]] == ["full"]

    fingerprint = groups["row <n> is bad"]["fingerprint"]
    assert len(api.get("/dlq", params={"fingerprint": fingerprint}).json()["items"]) == 3
    retried = api.post("/dlq/retry", json={"fingerprint": fingerprint}).json()
    assert (retried["retried"], retried["more"]) == (3, False)


@pytest.mark.parametrize("how", ["ids", "tag", "payload"])
def test_dead_jobs_come_back_by_what_they_are(api: Client, db: Database, how: str) -> None:
    wanted = dead(db, tags=["a"], payload='{"to": {"a": 1}}')
    dead(db)
    filters = {"ids": [wanted], "tag": "a", "payload": {"to": {}}}

    assert api.post("/dlq/retry", json={how: filters[how]}).json()["retried"] == 1
    assert api.get(f"/jobs/{wanted}").json()["status"] == "PENDING"
    assert api.get(f"/jobs/{wanted}").json()["origin"]["by"] == "retry_dead"


@pytest.mark.parametrize("path", ["retry", "discard"])
def test_a_dry_run_only_tells(api: Client, db: Database, path: str) -> None:
    ids = [dead(db) for _ in range(3)]

    answer = api.post(f"/dlq/{path}", json={"dry_run": True, "limit": 2}).json()

    assert answer["more"] is True
    if path == "retry":
        assert answer["retried"] == 2
        assert [row["id"] for row in answer["sample"]] == ids[:2]
    else:
        assert answer["discarded"] == 2
    assert len(api.get("/dlq").json()["items"]) == 3


def test_dead_jobs_are_discarded_by_filter(api: Client, db: Database) -> None:
    dead(db, error="one")
    kept = dead(db, error="two")

    assert api.post("/dlq/discard", json={"error": "one"}).json() == {"discarded": 1, "more": False}
    assert [job["id"] for job in api.get("/dlq").json()["items"]] == [kept]
    problem(api.post("/dlq/discard"), 422, "JQ001")


def test_a_revival_is_begun_listed_and_cancelled(api: Client, db: Database) -> None:
    for _ in range(4):
        dead(db)
    wanted = {"rate": 0.5, "canary": 2, "canary_within_seconds": 60, "limit": 10}

    begun = api.post("/dlq/retry", json=wanted).json()

    assert (begun["retried"], begun["more"]) == (2, False)
    (listed,) = api.get("/revivals").json()["items"]
    assert (listed["id"], listed["status"], listed["revived"]) == (begun["revival"], "CANARY", 2)
    assert (listed["rate"], listed["canary"], listed["max_jobs"]) == (0.5, 2, 10)
    assert api.get("/revivals", params={"limit": 1}).json()["next"] == listed["id"]
    ended = api.post(f"/revivals/{listed['id']}/cancel")
    assert (ended.status_code, ended.json()["status"]) == (200, "CANCELLED")
    problem(api.post("/revivals/4711/cancel"), 404, "JQ404")


@pytest.mark.parametrize(
    "body",
    [{"rate": 0}, {"canary": 0}, {"canary": 1, "canary_within_seconds": 0}, {"payload": 5}],
    ids=str,
)
def test_a_retry_that_cannot_be_is_refused(api: Client, body: dict[str, object]) -> None:
    problem(api.post("/dlq/retry", json=body), 422, "JQ001")
