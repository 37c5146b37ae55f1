"""Limits over HTTP."""

from __future__ import annotations

from tests.api.conftest import Client
from tests.api.jobs import enqueue
from tests.database import Database


def test_limits_are_set_and_listed(api: Client, db: Database) -> None:
    wanted = {"max_running": 2, "rate": 10, "per_seconds": 60.0, "key_fifo": True}
    answer = api.patch("/limits/team%2Fmail", json=wanted)

    assert answer.status_code == 200, answer.text
    assert {name: answer.json()[name] for name in wanted} == wanted
    assert answer.json()["queue"] == "team/mail"
    assert api.get("/limits").json()["items"] == [answer.json()]


def test_null_takes_a_limit_away(api: Client) -> None:
    api.patch("/limits/default", json={"max_running": 2, "rate": 10})

    limits = api.patch("/limits/default", json={"rate": None}).json()

    assert (limits["max_running"], limits["rate"], limits["per_seconds"]) == (2, None, None)


def test_a_limited_queue_shows_how_many_run(api: Client, db: Database) -> None:
    enqueue(db)
    api.patch("/limits/default", json={"max_running": 5})
    db.rows("select * from forge.dequeue()")

    (limits,) = api.get("/limits").json()["items"]

    assert limits["running"] == 1


def test_limits_that_cannot_be_are_refused(api: Client) -> None:
    answer = api.patch("/limits/default", json={"max_running": 0})

    assert (answer.status_code, answer.json()["code"]) == (422, "JQ001")


def test_a_job_has_its_key(api: Client, db: Database) -> None:
    job = api.post("/jobs", json={"type": "t", "concurrency_key": "tenant-7"}).json()

    assert api.get(f"/jobs/{job['id']}").json()["concurrency_key"] == "tenant-7"
