"""Workers that drain, types, settings, the page of a queue; and what Forge says of itself."""

from __future__ import annotations

import pytest

from tests.api.conftest import Client
from tests.api.expect import problem
from tests.api.jobs import enqueue, run
from tests.database import Database

REGISTER = "select forge.register_worker('a worker', array['default'], liveness => false)"


def test_a_worker_drains_and_goes_on(api: Client, db: Database) -> None:
    db.rows(REGISTER)
    enqueue(db)

    drained = api.post("/workers/a%20worker/drain").json()
    assert drained["draining_at"] is not None
    assert db.rows("select id from forge.dequeue(worker => 'a worker')") == []
    assert api.get("/workers").json()["items"] == [drained]

    assert api.post("/workers/a%20worker/resume").json()["draining_at"] is None
    assert run(db)


def test_a_worker_is_shown_with_its_jobs(api: Client, db: Database) -> None:
    db.rows(REGISTER)
    enqueue(db)
    enqueue(db)
    first, second = run(db), run(db)

    found = api.get("/workers/a%20worker").json()

    assert found["processing"] == 2
    assert [job["id"] for job in found["jobs"]] == [first["id"], second["id"]]
    assert "payload" not in found["jobs"][0]
    assert len(api.get("/workers/a%20worker?limit=1").json()["jobs"]) == 1


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/workers/w"), ("POST", "/workers/w/drain"), ("POST", "/workers/w/resume")],
)
def test_a_worker_that_nobody_knows_is_not_found(api: Client, method: str, path: str) -> None:
    problem(api.request(method, path), 404, "JQ404")


def test_types_are_listed_by_page_and_changed(api: Client, db: Database) -> None:
    enqueue(db, type="a/b", queue="q")
    enqueue(db, type="c")

    page = api.get("/types?limit=1").json()
    assert ([item["type"] for item in page["items"]], page["next"]) == (["a/b"], "a/b")
    rest = api.get("/types", params={"after": "a/b"}).json()
    (one,) = api.get("/types", params={"type": "a/b"}).json()["items"]
    assert one["type"] == "a/b"
    assert ([item["type"] for item in rest["items"]], rest["next"]) == (["c"], None)

    body = {"max_retries": 3, "timeout_seconds": 90, "retry_base_seconds": 1.5}
    changed = api.patch("/types/a%2Fb", json=body).json()
    assert {name: changed[name] for name in body} == body
    assert changed["queue"] == "q"
    assert api.patch("/types/a%2Fb", json={"max_retries": None}).json()["max_retries"] is None
    problem(api.patch("/types/t", json={"timeout_seconds": 0.5}), 422, "JQ001")


def test_what_holds_for_all_is_read_and_changed(api: Client) -> None:
    assert api.get("/settings").json()["dead_retention_seconds"] is None
    body = {
        "history_retention_seconds": 30 * 86_400,
        "dead_retention_seconds": 86_400,
        "log_retention_seconds": 86_400,
        "log_lines": 5,
    }
    changed = api.patch("/settings", json=body).json()
    assert {name: changed[name] for name in body} == body
    assert api.get("/settings").json() == changed
    back = {"history_retention_seconds": None, "dead_retention_seconds": None}
    changed = api.patch("/settings", json=back).json()
    assert changed["history_retention_seconds"] == 7 * 86_400
    assert changed["dead_retention_seconds"] is None
    assert changed["log_lines"] == 5


def test_a_retention_out_of_range_changes_nothing(api: Client) -> None:
    before = api.get("/settings").json()
    body = {"dead_retention_seconds": 1, "log_retention_seconds": 0}
    problem(api.patch("/settings", json=body), 422, "JQ001")
    assert api.get("/settings").json() == before


def test_a_queue_has_a_page(api: Client, db: Database) -> None:
    enqueue(db, queue="a/b")
    page = api.get("/queues/a%2Fb").json()
    assert page["stats"]["ready"] == 1
    assert (page["queue"], page["limits"], page["admission"]) == (None, None, None)

    api.patch("/queues/a%2Fb", json={"retry_base_seconds": 2})
    api.patch("/limits/a%2Fb", json={"rate": 5, "per_seconds": 60})
    api.put("/admissions/a%2Fb", json={"max_depth": 10})
    db.rows("select forge.register_worker('w', array['a/b'], liveness => false)")

    page = api.get("/queues/a%2Fb").json()
    assert page["queue"]["retry_base_seconds"] == 2
    assert page["limits"]["per_seconds"] == 60
    assert page["admission"]["max_depth"] == 10
    assert [worker["worker"] for worker in page["workers"]] == ["w"]
    assert page["queue"] in api.get("/queues").json()["items"]
    problem(api.get("/queues/unheard-of"), 404, "JQ404")


def test_a_queue_is_dropped_bit_by_bit(api: Client, db: Database) -> None:
    for _ in range(3):
        enqueue(db, queue="a/b")
    answers = [api.delete("/queues/a%2Fb?limit=2").json() for _ in range(2)]
    assert answers == [{"queue": "a/b", "dropped": False}, {"queue": "a/b", "dropped": True}]
    problem(api.get("/queues/a%2Fb"), 404, "JQ404")


def test_forge_says_what_is_wrong_and_what_there_is(api: Client, db: Database) -> None:
    enqueue(db)
    findings = api.get("/doctor").json()["items"]
    assert {"no_worker"} <= {finding["code"] for finding in findings}
    assert all(finding["hint"] for finding in findings)
    codes = {item["code"] for item in api.get("/errors").json()["items"]}
    assert {"JQ001", "JQ014"} <= codes
    ends = {item["to_status"] for item in api.get("/transitions").json()["items"]}
    assert {"COMPLETED", "DEAD", "CANCELLED"} <= ends


def test_the_migrations_are_listed_in_their_order(api: Client) -> None:
    found = api.get("/migrations").json()

    names = [row["migration"] for row in found["items"]]
    assert names == sorted(names)
    assert names[0].startswith("0001.")
    assert found["version"] == api.get("/health/ready").json()["version"]
