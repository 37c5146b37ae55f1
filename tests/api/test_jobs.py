"""POST /jobs, GET /jobs and what can be done to one job."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.api.conftest import Client
from tests.api.jobs import dead, enqueue, run
from tests.database import Database


def test_a_job_is_enqueued_and_answered_as_it_is(api: Client) -> None:
    payload = {"to": "user@example.com", "subject": "Hello"}
    answer = api.post(
        "/jobs", json={"type": "email", "payload": payload, "priority": 10, "max_retries": 5}
    )
    assert answer.status_code == 201
    job = answer.json()
    assert answer.headers["location"] == f"/jobs/{job['id']}"
    assert job["status"] == "PENDING"
    assert job["payload"] == payload
    assert (job["queue"], job["priority"], job["max_retries"]) == ("default", 10, 5)
    assert api.get(answer.headers["location"]).json() == job


@pytest.mark.parametrize(
    "payload",
    [
        "{}",
        "[1, 2.50, -0.0]",
        '"text"',
        '{"huge": 123456789012345678901234567890, "fine": 0.12345678901234567890123}',
        '{"many": 1e400}',
        '{"accents": "\\u00e9\\ud83d\\ude00", "<script>": "alert(1)"}',
    ],
)
def test_any_payload_comes_back_equal(api: Client, payload: str) -> None:
    body = f'{{"type": "t", "payload": {payload}}}'
    headers = {"Content-Type": "application/json; charset=utf-8"}
    answer = api.post("/jobs", content=body, headers=headers)
    assert answer.status_code == 201, answer.text

    def read(text: str) -> Any:
        from decimal import Decimal

        return json.loads(text, parse_float=Decimal, parse_int=Decimal)

    again = api.get(f"/jobs/{answer.json()['id']}")
    assert read(again.text)["payload"] == read(payload)


def test_every_parameter_reaches_the_job(api: Client, db: Database) -> None:
    body = {
        "type": "report",
        "queue": "reports",
        "scheduled_at": "2040-01-31T12:00:00+02:00",
        "unique_key": "january",
        "tags": ["monthly"],
        "retry_base_seconds": 0.5,
        "retry_factor": 3,
        "retry_cap_seconds": 60,
        "retry_jitter": 0,
    }
    job = api.post("/jobs", json=body).json()
    assert job["unique_key"] == "january"
    assert job["tags"] == ["monthly"]
    assert job["scheduled_at"].startswith("2040-01-31T10:00:00")
    (row,) = db.rows(
        "select extract(epoch from (extra).retry_base)::float as base, "
        "(extra).retry_factor as factor, extract(epoch from (extra).retry_cap)::float as cap, "
        "(extra).retry_jitter as jitter from forge.jobs where id = %s",
        job["id"],
    )
    assert row == {"base": 0.5, "factor": 3, "cap": 60, "jitter": 0}


def test_null_is_the_default(api: Client) -> None:
    body = dict.fromkeys(("scheduled_at", "max_retries", "unique_key", "tags", "retry_factor"))
    answer = api.post("/jobs", json={"type": "t", **body})
    assert answer.status_code == 201
    assert answer.json()["max_retries"] == 10


def test_a_taken_unique_key_answers_the_job_that_holds_it(api: Client) -> None:
    first = api.post("/jobs", json={"type": "t", "unique_key": "one"})
    second = api.post("/jobs", json={"type": "t", "unique_key": "one", "priority": 5})
    assert (first.status_code, second.status_code) == (201, 200)
    assert second.json() == first.json()
    assert second.headers["location"] == first.headers["location"]


def test_the_idempotency_key_is_the_unique_key(api: Client) -> None:
    headers = {"Idempotency-Key": "one"}
    first = api.post("/jobs", json={"type": "t"}, headers=headers)
    second = api.post("/jobs", json={"type": "t"}, headers=headers)
    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json()["unique_key"] == "one"
    other = api.post("/jobs", json={"type": "t", "unique_key": "two"}, headers=headers)
    assert other.status_code == 422
    assert other.json()["errors"][0]["field"] == "unique_key"


def test_a_batch_answers_in_order(api: Client) -> None:
    taken = api.post("/jobs", json={"type": "t", "unique_key": "taken"}).json()["id"]
    jobs = [{"type": "a"}, {"type": "b", "unique_key": "taken"}, {"type": "c", "priority": 3}]
    answer = api.post("/jobs/batch", json={"jobs": jobs})
    assert answer.status_code == 201
    made = answer.json()["items"]
    assert [item["created"] for item in made] == [True, False, True]
    assert made[1]["id"] == taken
    assert api.get(f"/jobs/{made[2]['id']}").json()["type"] == "c"


def test_a_batch_with_one_wrong_job_enqueues_none(api: Client) -> None:
    jobs = [{"type": "a"}, {"type": ""}]
    answer = api.post("/jobs/batch", json={"jobs": jobs})
    assert (answer.status_code, answer.json()["code"]) == (422, "JQ001")
    assert api.get("/jobs").json()["items"] == []


def test_a_batch_takes_no_idempotency_key(api: Client) -> None:
    answer = api.post("/jobs/batch", json={"jobs": []}, headers={"Idempotency-Key": "k"})
    assert answer.status_code == 422


def test_pages_follow_each_other_without_gap_or_overlap(api: Client, db: Database) -> None:
    ids = [enqueue(db) for _ in range(5)]
    found: list[int] = []
    query: dict[str, Any] = {"limit": 2}
    while True:
        page = api.get("/jobs", params=query).json()
        found += [job["id"] for job in page["items"]]
        if page["next"] is None:
            break
        query["before"] = page["next"]
    assert found == ids[::-1]


@pytest.mark.parametrize(
    "query", [{"queue": "q"}, {"type": "x"}, {"tag": "t"}, {"status": "PROCESSING"}]
)
def test_a_filter_leaves_the_others_out(api: Client, db: Database, query: dict[str, str]) -> None:
    enqueue(db)
    wanted = enqueue(db, queue="q", type="x", tags=["t"])
    assert run(db, queue="q")["id"] == wanted
    items = api.get("/jobs", params=query).json()["items"]
    assert [job["id"] for job in items] == [wanted]


def test_lists_leave_large_documents_out_and_say_so(api: Client, db: Database) -> None:
    job_id = enqueue(db, payload=json.dumps({"text": "x" * 20_000}))
    (listed,) = api.get("/jobs").json()["items"]
    assert (listed["payload"], listed["omitted"]) == (None, ["payload"])
    whole = api.get(f"/jobs/{job_id}").json()
    assert (len(whole["payload"]["text"]), whole["omitted"]) == (20_000, [])


def test_a_job_can_be_cancelled_and_retried(api: Client, db: Database) -> None:
    job_id = enqueue(db)
    change = api.post(f"/jobs/{job_id}/cancel")
    assert change.status_code == 200
    assert change.json() == {
        "id": job_id,
        "queue": "default",
        "type": "email",
        "from_status": "PENDING",
        "to_status": "CANCELLED",
    }
    assert api.get(f"/jobs/{job_id}").json()["status"] == "CANCELLED"
    assert api.post(f"/jobs/{job_id}/retry").json()["to_status"] == "PENDING"


def test_a_dead_job_cannot_be_cancelled(api: Client, db: Database) -> None:
    answer = api.post(f"/jobs/{dead(db)}/cancel")
    assert (answer.status_code, answer.json()["code"]) == (409, "JQ004")


def test_a_job_is_explained(api: Client, db: Database) -> None:
    db.rows("select forge.pause('default')")
    answer = api.get(f"/jobs/{enqueue(db)}/explain")
    assert [item["code"] for item in answer.json()["items"]] == ["queue_paused", "no_worker"]
    assert api.get("/jobs/1/explain").status_code == 404
