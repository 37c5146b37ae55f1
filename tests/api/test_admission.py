"""/admissions and /schemas, and what a full queue or a wrong payload is answered with."""

from __future__ import annotations

from typing import Any

from tests.api.conftest import Client
from tests.database import Database

JOB: dict[str, Any] = {"type": "email", "queue": "team/mail", "payload": {"to": "a@b.c"}}
SCHEMA = {"required": ["to"], "properties": {"n": {"maximum": 1.50}}}


def test_a_full_queue_is_429_with_retry_after(api: Client) -> None:
    answer = api.put("/admissions/team%2Fmail", json={"max_depth": 1})
    assert answer.status_code == 200, answer.text
    assert answer.json()["queue"] == "team/mail"
    assert api.post("/jobs", json=JOB).status_code == 201
    for refused in (api.post("/jobs", json=JOB), api.post("/jobs/batch", json={"jobs": [JOB]})):
        assert (refused.status_code, refused.json()["code"]) == (429, "JQ013")
        assert refused.headers["retry-after"] == "1"


def test_an_admission_is_set_listed_and_removed(api: Client) -> None:
    body = {"max_depth": 5, "on_full": "defer", "defer_for_seconds": 90.0}
    row = api.put("/admissions/q", json=body).json()
    assert {name: row[name] for name in body} == body
    assert api.get("/admissions").json() == {"items": [row]}
    assert api.put("/admissions/q", json={"max_depth": 0}).json()["code"] == "JQ001"
    assert api.put("/admissions/q", json={"max_depth": 1, "on_full": "x"}).status_code == 422
    assert api.delete("/admissions/q").json()["max_depth"] is None
    assert api.get("/admissions").json() == {"items": []}


def test_a_schema_is_set_listed_and_removed(api: Client) -> None:
    answer = api.put("/schemas/email", json={"schema": SCHEMA})
    assert answer.status_code == 200, answer.text
    assert (answer.json()["type"], answer.json()["schema"]) == ("email", SCHEMA)
    assert api.get("/schemas").json() == {"items": [answer.json()]}
    refused = api.put("/schemas/email", json={"schema": {"requird": []}})
    assert (refused.status_code, refused.json()["code"]) == (422, "JQ001")
    assert api.delete("/schemas/email").json()["schema"] is None
    assert api.get("/schemas").json() == {"items": []}


def test_a_wrong_payload_is_422_and_says_where(api: Client) -> None:
    api.put("/schemas/email", json={"schema": SCHEMA})
    assert api.post("/jobs", json=JOB).status_code == 201
    refused = api.post("/jobs", json={**JOB, "payload": {"to": 1, "n": 2}})
    assert (refused.status_code, refused.json()["code"]) == (422, "JQ014")
    assert "path=#/n rule=maximum" in refused.json()["detail"]


def test_unique_options_come_through(api: Client, db: Database) -> None:
    options = {
        "unique_by": ["type", "payload.to"],
        "unique_scope": "global",
        "unique_for_seconds": 60,
        "on_conflict": "merge",
        "debounce_seconds": 30,
        "debounce_max_seconds": 60,
    }
    first = api.post("/jobs", json={**JOB, **options})
    assert first.status_code == 201, first.text
    second = api.post(
        "/jobs", json={**JOB, **options, "queue": "q", "payload": {"to": "a@b.c", "m": 1}}
    )
    assert (second.status_code, second.json()["id"]) == (200, first.json()["id"])
    assert second.json()["payload"] == {"to": "a@b.c", "m": 1}
    refused = api.post("/jobs", json={**JOB, **options, "debounce_seconds": None,
        "debounce_max_seconds": None, "on_conflict": "raise"})  # fmt: skip
    assert (refused.status_code, refused.json()["code"]) == (409, "JQ012")
    assert refused.json()["detail"] == f"id={first.json()['id']}"
