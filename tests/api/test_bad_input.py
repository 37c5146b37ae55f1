"""Bad input gets a clear answer with a code, and changes nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.api.conftest import Client
from tests.api.jobs import dead
from tests.database import Database

JSON = {"Content-Type": "application/json"}
COUNT = "select count(*) from forge.all_jobs"


@pytest.fixture(autouse=True)
def _nothing_is_enqueued(db: Database) -> Iterator[None]:
    yield
    assert db.value(COUNT + " where status <> 'DEAD'") == 0


def problem(answer: Any, status: int, code: str) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    found: dict[str, Any] = answer.json()
    assert found["status"] == status
    assert found["code"] == code
    assert found["title"]
    assert "Traceback" not in answer.text
    return found


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "type"),
        ({"type": "t", "prioritty": 1}, "prioritty"),
        ({"type": 5}, "type"),
        ({"type": None}, "type"),
        ({"type": "t", "priority": "5"}, "priority"),
        ({"type": "t", "priority": 1.5}, "priority"),
        ({"type": "t", "priority": True}, "priority"),
        ({"type": "t", "queue": None}, "queue"),
        ({"type": "t", "max_retries": "many"}, "max_retries"),
        ({"type": "t", "scheduled_at": "2030-01-01T00:00:00"}, "scheduled_at"),
        ({"type": "t", "scheduled_at": "tomorrow"}, "scheduled_at"),
        ({"type": "t", "scheduled_at": 1767225600}, "scheduled_at"),
        ({"type": "t", "tags": "a"}, "tags"),
        ({"type": "t", "tags": [1]}, "tags[0]"),
        ({"type": "t", "retry_base_seconds": "5 s"}, "retry_base_seconds"),
        ({"type": "t", "retry_base_seconds": -1}, "retry_base_seconds"),
        ({"type": "t", "retry_cap_seconds": 1e300}, "retry_cap_seconds"),
        ([{"type": "t"}], "body"),
        ("t", "body"),
        (None, "body"),
    ],
)
def test_a_wrong_field_is_named(api: Client, body: Any, field: str) -> None:
    found = problem(api.post("/jobs", json=body), 422, "JQ001")
    assert [item["field"] for item in found["errors"]] == [field]
    assert field in found["detail"]


def test_a_wrong_field_of_a_batch_is_named(api: Client) -> None:
    jobs = {"jobs": [{"type": "t"}, {"type": "t", "wrong": 1}]}
    found = problem(api.post("/jobs/batch", json=jobs), 422, "JQ001")
    assert found["errors"][0]["field"].endswith(".wrong")


@pytest.mark.parametrize(
    "body",
    [
        {"type": ""},
        {"type": "t" * 201},
        {"type": "new\nline"},
        {"type": "t", "queue": ""},
        {"type": "t", "queue": "q" * 500},
        {"type": "t", "priority": 32768},
        {"type": "t", "priority": -(10**30)},
        {"type": "t", "max_retries": -1},
        {"type": "t", "max_retries": 100_001},
        {"type": "t", "unique_key": ""},
        {"type": "t", "unique_key": "k" * 501},
        {"type": "t", "tags": ["t"] * 21},
        {"type": "t", "tags": ["t" * 101]},
        {"type": "t", "retry_factor": -1},
        {"type": "t", "retry_jitter": 7},
        {"type": "nul\0"},
        {"type": "t", "queue": "nul\0"},
        {"type": "t", "payload": {"nul": "\0"}},
        {"type": "t", "tags": ["nul\0"]},
    ],
)
def test_a_value_that_sql_refuses_is_refused(api: Client, body: Any) -> None:
    text = json.dumps(body)
    found = problem(api.post("/jobs", content=text, headers=JSON), 422, "JQ001")
    assert found["detail"]
    batch = f'{{"jobs": [{text}]}}'
    problem(api.post("/jobs/batch", content=batch, headers=JSON), 422, "JQ001")


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"{'type': 't'}",
        b'{"type": "t",}',
        b'{"type": NaN}',
        b'{"type": "\xff"}',
        b'{"type": "t", "payload": "\\ud800"}',
        b'{"type": "t", "payload": "\xff"}',
        b'{"type": "t", "payload": ' + b"[" * 100_000,
        b'{"type": "t", "payload": ' + b"[" * 5_000 + b"]" * 5_000 + b"}",
    ],
)
def test_what_is_not_json_is_malformed(api: Client, body: bytes) -> None:
    problem(api.post("/jobs", content=body, headers=JSON), 400, "JQ001")


def test_a_missing_body_is_missed(api: Client) -> None:
    found = problem(api.post("/jobs", headers=JSON), 422, "JQ001")
    assert found["errors"] == [{"field": "body", "message": "a JSON body is required"}]


@pytest.mark.parametrize("media_type", ["text/plain", "application/x-www-form-urlencoded", ""])
def test_a_body_of_another_type_is_refused(api: Client, media_type: str) -> None:
    headers = {"Content-Type": media_type}
    answer = api.post("/jobs", content=b'{"type": "t"}', headers=headers)
    assert "Content-Type: application/json" in problem(answer, 415, "JQ415")["hint"]


def test_a_payload_over_a_mebibyte_is_too_large(api: Client) -> None:
    payload = {"text": "x" * 1024 * 1024}
    problem(api.post("/jobs", json={"type": "t", "payload": payload}), 413, "JQ005")


@pytest.mark.parametrize("path", ["/jobs", "/jobs/batch", "/dlq/retry"])
def test_a_body_over_its_limit_is_too_large(api: Client, path: str) -> None:
    problem(api.post(path, content=b" " * 40_000_000, headers=JSON), 413, "JQ005")


def test_ten_thousand_jobs_are_enough(api: Client) -> None:
    jobs = {"jobs": [{"type": "t"}] * 10_001}
    problem(api.post("/jobs/batch", json=jobs), 413, "JQ005")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/jobs/{}"),
        ("POST", "/jobs/{}/cancel"),
        ("POST", "/jobs/{}/retry"),
        ("POST", "/dlq/{}/retry"),
        ("DELETE", "/dlq/{}"),
    ],
)
def test_an_id_that_no_job_has_is_not_found(api: Client, method: str, path: str) -> None:
    problem(api.request(method, path.format(1)), 404, "JQ003")
    problem(api.request(method, path.format(2**63 - 1)), 404, "JQ003")
    for out_of_range in (0, -1, 2**63, 10**40):
        problem(api.request(method, path.format(out_of_range)), 422, "JQ001")
    for no_id in ("abc", "1.5", "9" * 5000):
        problem(api.request(method, path.format(no_id)), 404, "JQ404")


@pytest.mark.parametrize("path", ["/jobs", "/dlq"])
@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=501",
        "limit=-1",
        "limit=ten",
        "limit=",
        "limit=99999999999999999999",
        "before=0",
        "before=x",
        "before=9223372036854775808",
        "limit=1&limit=2",
        "colour=red",
        "queue=" + "q" * 500,
        "type=" + "t" * 500,
        "queue=%00",
    ],
)
def test_a_wrong_query_is_refused(api: Client, path: str, query: str) -> None:
    found = problem(api.get(f"{path}?{query}"), 422, "JQ001")
    assert query.partition("=")[0] in found["detail"] or "%00" in query


@pytest.mark.parametrize("path", ["/stats", "/queues", "/workers", "/session", "/events"])
def test_an_unknown_query_parameter_is_refused_everywhere(api: Client, path: str) -> None:
    problem(api.get(f"{path}?colour=red"), 422, "JQ001")


@pytest.mark.parametrize("query", ["status=RUNNING", "tag=" + "t" * 500])
def test_a_wrong_filter_of_jobs_is_refused(api: Client, query: str) -> None:
    problem(api.get(f"/jobs?{query}"), 422, "JQ001")


@pytest.mark.parametrize(
    "query",
    [
        "since_seconds=-1",
        "since_seconds=9",
        "since_seconds=86401",
        "since_seconds=x",
        "since_seconds=nan",
        "since_seconds=inf",
        "bucket_seconds=0",
        "bucket_seconds=1e300",
        "since_seconds=86400&bucket_seconds=10",
        "queue=" + "q" * 500,
    ],
)
def test_a_wrong_span_of_history_is_refused(api: Client, query: str) -> None:
    problem(api.get(f"/stats/history?{query}"), 422, "JQ001")


@pytest.mark.parametrize(
    "body",
    [
        {"limit": 0},
        {"limit": 10**10},
        {"limit": "all"},
        {"quue": "q"},
        {"queue": "q" * 500},
        {"queue": "nul\0"},
        {"died_before": "2030-01-01T00:00:00"},
        {"error": 5},
        [],
    ],
)
def test_a_wrong_filter_revives_nothing(api: Client, db: Database, body: Any) -> None:
    dead(db)
    problem(api.post("/dlq/retry", json=body), 422, "JQ001")
    assert db.value(COUNT + " where status = 'DEAD'") == 1


@pytest.mark.parametrize(
    "body",
    [
        {"paused": "yes"},
        {"paused": None},
        {"pause": True},
        {"max_retries": -1},
        {"max_retries": 10**10},
        {"retry_base_seconds": -1},
        {"retry_factor": 0},
        {"retry_jitter": -0.5},
        {"keep_history": 1},
        [],
    ],
)
def test_a_wrong_setting_of_a_queue_changes_nothing(api: Client, db: Database, body: Any) -> None:
    before = db.rows("select * from forge.queues")
    problem(api.patch("/queues/default", json=body), 422, "JQ001")
    assert db.rows("select * from forge.queues") == before


def test_a_queue_name_of_500_characters_is_refused(api: Client) -> None:
    problem(api.patch("/queues/" + "q" * 500, json={"paused": True}), 422, "JQ001")


def test_of_two_settings_none_is_kept_when_one_is_wrong(api: Client, db: Database) -> None:
    body = {"paused": True, "max_retries": -1}
    problem(api.patch("/queues/default", json=body), 422, "JQ001")
    assert db.rows("select * from forge.queues where paused_at is not null") == []


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/nope"), ("POST", "/jobs/1/explode"), ("GET", "/schema")]
)
def test_an_unknown_route_is_a_problem_too(api: Client, method: str, path: str) -> None:
    problem(api.request(method, path), 404, "JQ404")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [("PUT", "/jobs", {"GET", "POST"}), ("DELETE", "/stats", {"GET"}), ("POST", "/", {"GET"})],
)
def test_a_wrong_method_is_a_problem_that_names_the_right_ones(
    api: Client, method: str, path: str, allowed: set[str]
) -> None:
    answer = api.request(method, path)
    problem(answer, 405, "JQ405")
    assert allowed <= {name.strip() for name in answer.headers["allow"].split(",")}


def test_the_problem_says_where_and_what_to_do(api: Client) -> None:
    found = problem(api.get("/jobs/1"), 404, "JQ003")
    assert found["instance"] == "/jobs/1"
    assert found["type"] == "urn:forge:problem:job_not_found"
    assert found["name"] == "job_not_found"
    assert set(found) == {
        "type", "title", "status", "detail", "code", "name", "hint", "instance", "errors",
    }  # fmt: skip
    assert json.dumps(found)
