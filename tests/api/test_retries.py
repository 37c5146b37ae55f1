"""Retry rules over HTTP, and why a queue is paused."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.conftest import Client
from tests.api.expect import problem
from tests.api.jobs import run
from tests.database import Database

RULE = {
    "action": "retry",
    "error_type": "Limited",
    "error": None,
    "rule": "slow down",
    "retry_base_seconds": 90.0,
    "retry_factor": 1.0,
    "retry_cap_seconds": 3600.0,
    "retry_jitter": 0.0,
    "max_retries": 50,
}


def test_rules_come_back_as_they_were_put(api: Client) -> None:
    answer = api.put("/retry-rules", json={"type": "email", "rules": [RULE]})
    assert answer.status_code == 200

    (kept,) = answer.json()["items"]
    assert {name: kept[name] for name in RULE} == RULE
    assert (kept["scope"], kept["name"], kept["position"]) == ("type", "email", 1)
    api.put("/retry-rules", json={"rules": [{"action": "permanent", "error": "x"}]})
    assert [r["scope"] for r in api.get("/retry-rules").json()["items"]] == ["type", "all"]
    assert [r["scope"] for r in api.get("/retry-rules?queue=q").json()["items"]] == ["all"]
    assert api.put("/retry-rules", json={"type": "email", "rules": []}).json() == {"items": []}


@pytest.mark.parametrize(
    "rule",
    [
        {"action": "retry", "error": "("},
        {"action": "explode", "error": "x"},
        {"action": "retry"},
        {"error": "x"},
        {"action": "retry", "error": "x", "retry_base": "5 s"},
        {"action": "retry", "error": "x", "retry_base_seconds": -1},
    ],
    ids=str,
)
def test_a_wrong_rule_is_refused(api: Client, rule: dict[str, Any]) -> None:
    problem(api.put("/retry-rules", json={"rules": [rule]}), 422, "JQ001")
    problem(api.post("/jobs", json={"type": "t", "retry_rules": [rule]}), 422, "JQ001")


def test_a_job_brings_its_own_rules(api: Client, db: Database) -> None:
    rules = [{"action": "permanent", "error": "broke"}, RULE]
    assert api.post("/jobs", json={"type": "t", "retry_rules": rules}).status_code == 201

    job = run(db)
    failed = db.value("select status from forge.fail(%s, %s, 'it broke')", job["id"], job["lease"])
    assert failed == "DEAD"


def test_a_pause_has_a_reason(api: Client) -> None:
    body = {"paused": True, "pause_reason": "the server moves"}

    assert api.patch("/queues/q", json=body).json()["pause_reason"] == "the server moves"
    assert api.get("/queues").json()["items"][0]["pause_reason"] == "the server moves"
    assert api.patch("/queues/q", json={"paused": False}).json()["pause_reason"] is None
