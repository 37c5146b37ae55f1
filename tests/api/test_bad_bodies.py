"""Bodies that are wrong get a clear answer with a code, and enqueue nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.api.conftest import Client
from tests.api.expect import problem
from tests.database import Database

JSON = {"Content-Type": "application/json"}


@pytest.fixture(autouse=True)
def _nothing_is_enqueued(db: Database) -> Iterator[None]:
    yield
    assert db.value("select count(*) from forge.all_jobs") == 0


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
