"""/schedules: set, read, steer, remove."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.api.conftest import TOKENS, Client, bearer
from tests.api.expect import problem
from tests.database import Clock, Database

NIGHTLY = {"cron": "0 3 * * *", "type": "report"}
ALL: dict[str, Any] = {
    **{"cron": "every 15 minutes", "type": "t", "payload": {"a": 1.5}, "time_zone": "Asia/Tokyo"},
    **{"queue": "q", "priority": 7, "max_retries": 3, "retry_base_seconds": 1.5},
    **{"retry_factor": 3.0, "retry_cap_seconds": 60.0, "retry_jitter": 0.5, "tags": ["x"]},
    **{"concurrency_key": "tenant", "timeout_seconds": 300.0, "catch_up": "all"},
    **{"catch_up_limit": 3, "grace_seconds": 5.0, "overlap": "queue"},
    **{"starts_at": "2040-01-01T00:00:00Z"},
}


def test_a_schedule_is_made_read_and_removed(api: Client) -> None:
    made = api.put("/schedules/nightly", json=NIGHTLY)

    assert made.status_code == 200, made.text
    schedule = made.json()
    assert {name: schedule[name] for name in NIGHTLY} == NIGHTLY
    assert (schedule["name"], schedule["paused"], schedule["payload"]) == ("nightly", False, {})
    assert api.get("/schedules/nightly").json() == schedule
    assert api.get("/schedules").json() == {"items": [schedule], "next": None}

    assert api.delete("/schedules/nightly").json()["name"] == "nightly"
    assert api.get("/schedules").json()["items"] == []


def test_all_of_it_can_be_told(api: Client) -> None:
    schedule = api.put("/schedules/s", json=ALL).json()

    assert {name: schedule[name] for name in ALL} == ALL
    assert schedule["next_at"] == ALL["starts_at"]


def test_put_again_it_is_replaced(api: Client) -> None:
    api.put("/schedules/s", json=ALL)

    schedule = api.put("/schedules/s", json={**NIGHTLY, "queue": None}).json()

    assert (schedule["queue"], schedule["priority"], schedule["tags"]) == ("default", 0, None)


def test_a_schedule_is_paused_and_resumed(api: Client) -> None:
    api.put("/schedules/s", json=NIGHTLY)

    paused = api.post("/schedules/s/pause").json()
    assert (paused["paused"], paused["next_at"]) == (True, None)
    assert len(api.get("/schedules/s/next", params={"count": 2}).json()["items"]) == 2
    assert api.post("/schedules/s/resume").json()["next_at"] is not None


def test_run_answers_with_the_job(api: Client, db: Database) -> None:
    api.put("/schedules/s", json=NIGHTLY)

    answer = api.post("/schedules/s/run")

    assert answer.status_code == 201
    job = answer.json()
    assert (job["schedule"], job["type"]) == ("s", "report")
    assert job["nominal_at"] is not None
    assert answer.headers["location"] == f"/jobs/{job['id']}"
    assert api.get("/schedules/s").json()["last_job_id"] == job["id"]


def test_the_next_runs_are_told(api: Client, clock: Clock) -> None:
    clock.set("2030-03-30T12:00:00Z")
    api.put("/schedules/s", json={**NIGHTLY, "time_zone": "Europe/Berlin"})

    assert api.get("/schedules/s/next", params={"count": 2}).json() == {
        "items": ["2030-03-31T01:00:00Z", "2030-04-01T01:00:00Z"]
    }


def test_the_next_runs_of_what_is_not_made_yet_are_told(api: Client, clock: Clock) -> None:
    clock.set("2030-03-30T12:00:00Z")
    url = "/next-runs?cron=0+9+*+*+mon-fri&time_zone=Europe/Berlin&count=2"

    assert api.get(url).json() == {"items": ["2030-04-01T07:00:00Z", "2030-04-02T07:00:00Z"]}
    assert "five fields" in problem(api.get("/next-runs?cron=soon"), 422, "JQ001")["hint"]
    problem(api.get("/next-runs?cron=@daily&time_zone=Mars"), 422, "JQ001")


def test_pages_go_by_name(api: Client) -> None:
    for name in "cab":
        api.put(f"/schedules/{name}", json=NIGHTLY)

    first = api.get("/schedules", params={"limit": 2}).json()
    second = api.get("/schedules", params={"limit": 2, "after": first["next"]}).json()

    assert [row["name"] for row in first["items"] + second["items"]] == ["a", "b", "c"]
    assert second["next"] is None


def test_a_list_leaves_out_large_payloads(api: Client) -> None:
    payload = {"text": "x" * 20_000}
    api.put("/schedules/s", json={**NIGHTLY, "payload": payload})

    (listed,) = api.get("/schedules").json()["items"]

    assert (listed["payload"], listed["omitted"]) == (None, ["payload"])
    assert api.get("/schedules/s").json()["payload"] == payload


def test_only_operators_see_secrets(make_api: Callable[..., Client], db: Database) -> None:
    api = make_api(tokens=TOKENS)
    body = {**NIGHTLY, "payload": {"password": "hunter2"}}
    api.put("/schedules/s", json=body, headers=bearer("operator"))

    for path in ("/schedules", "/schedules/s"):
        assert "hunter2" not in api.get(path, headers=bearer("viewer")).text
        assert "hunter2" in api.get(path, headers=bearer("operator")).text


@pytest.mark.parametrize(
    ("method", "path"),
    [
        *[("GET", ""), ("DELETE", ""), ("GET", "/next")],
        *[("POST", "/pause"), ("POST", "/resume"), ("POST", "/run")],
    ],
)
def test_a_name_that_is_none_is_not_found(api: Client, method: str, path: str) -> None:
    found = problem(api.request(method, f"/schedules/nobody{path}"), 404, "JQ007")

    assert found["detail"] == "name=nobody"


@pytest.mark.parametrize(
    "change",
    [
        {"cron": "61 * * * *"},
        {"cron": 5},
        {"time_zone": "Mars/Olympus"},
        {"overlap": "never"},
        {"grace_seconds": -1},
        {"starts_at": "2030-01-01T00:00:00"},
        {"colour": "red"},
    ],
    ids=str,
)
def test_what_a_schedule_cannot_be_is_refused(api: Client, change: dict[str, Any]) -> None:
    problem(api.put("/schedules/s", json={**NIGHTLY, **change}), 422, "JQ001")
    assert api.get("/schedules").json()["items"] == []


def test_a_name_may_be_any_word_and_holds_no_slash(api: Client) -> None:
    assert api.put("/schedules/r%C3%A9gie%20d'eau", json=NIGHTLY).json()["name"] == "régie d'eau"
    problem(api.put("/schedules/a%2Fb", json=NIGHTLY), 404, "JQ404")
    problem(api.put(f"/schedules/{'x' * 201}", json=NIGHTLY), 422, "JQ001")


@pytest.mark.parametrize("count", ["0", "101", "x"])
def test_a_wrong_count_is_refused(api: Client, count: str) -> None:
    api.put("/schedules/s", json=NIGHTLY)
    problem(api.get(f"/schedules/s/next?count={count}"), 422, "JQ001")
