"""Flows over HTTP: parents, batches, conditions."""

from __future__ import annotations

from collections.abc import Callable

from tests.api.conftest import TOKENS, Client, bearer
from tests.api.jobs import enqueue, run
from tests.database import Database


def complete(db: Database, result: str) -> int:
    job = run(db)
    db.rows("select forge.complete(%s, %s, %s)", job["id"], job["lease"], result)
    found: int = job["id"]
    return found


def test_the_parents_of_a_job(api: Client, db: Database) -> None:
    first, second = enqueue(db), enqueue(db)
    made = api.post("/jobs", json={"type": "book", "depends_on": [first, second]}).json()
    assert made["status"] == "WAITING"
    assert complete(db, '{"words": 3}') == first

    page = api.get(f"/jobs/{made['id']}/parents", params={"limit": 1}).json()
    assert page == {
        "items": [
            {"id": first, "type": "email", "status": "COMPLETED", "result": {"words": 3},
             "error": None}
        ],
        "next": first,
    }  # fmt: skip
    rest = api.get(f"/jobs/{made['id']}/parents", params={"after": first}).json()
    assert ([item["id"] for item in rest["items"]], rest["next"]) == ([second], None)


def test_secrets_in_results_are_for_operators(
    make_api: Callable[..., Client], db: Database
) -> None:
    parent = enqueue(db)
    child = enqueue(db, depends_on=[parent])
    complete(db, '{"password": "hunter2"}')
    api = make_api(tokens=TOKENS)
    url = f"/jobs/{child}/parents"
    assert "hunter2" not in api.get(url, headers=bearer("viewer")).text
    assert "hunter2" in api.get(url, headers=bearer("operator")).text


def test_a_flow_by_handles(api: Client) -> None:
    jobs = [{"type": "a", "handle": "a"}, {"type": "b", "depends_on": ["a"]}]
    made = api.post("/jobs/batch", json={"jobs": jobs}).json()["items"]
    assert api.get(f"/jobs/{made[1]['id']}").json()["status"] == "WAITING"
    answer = api.post("/jobs/batch", json={"jobs": [{"type": "b", "depends_on": ["nobody"]}]})
    assert (answer.status_code, answer.json()["code"]) == (422, "JQ001")
    assert api.post("/jobs", json={"type": "b", "depends_on": [2**59]}).status_code == 404


def test_a_batch_is_opened_filled_and_closed(api: Client) -> None:
    answer = api.post("/batches", json={"type": "report", "payload": {"m": 1}, "queue": "r"})
    assert answer.status_code == 201
    batch = answer.json()["id"]
    job = api.post("/jobs", json={"type": "page", "batch": batch}).json()["id"]
    assert api.post(f"/batches/{batch}/close").json()["to_status"] == "WAITING"
    assert api.post("/jobs", json={"type": "page", "batch": batch}).status_code == 409
    api.post(f"/jobs/{job}/cancel")
    found = api.get(f"/jobs/{batch}").json()
    assert (found["status"], found["payload"], found["queue"]) == ("PENDING", {"m": 1}, "r")
    assert api.post("/batches/1/close").status_code == 404


def test_a_batch_with_its_jobs(api: Client) -> None:
    jobs = [{"type": "page"}, {"type": "page"}]
    batch = api.post("/batches", json={"type": "report", "jobs": jobs}).json()["id"]
    assert len(api.get(f"/jobs/{batch}/parents").json()["items"]) == 2


def test_conditions_are_listed(api: Client, db: Database) -> None:
    job_id = db.value("select forge.run_when('t', 'false', every => '1 minute')")
    db.rows("select forge.tick()")
    page = api.get("/conditions").json()
    (item,) = page["items"]
    assert (item["id"], item["condition"], item["every_seconds"]) == (job_id, "false", 60)
    assert item["took_seconds"] < 30
    assert api.get("/conditions", params={"after": job_id}).json()["items"] == []
