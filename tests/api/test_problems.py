"""Whatever goes wrong, and wherever, it is a problem document with the request's id."""

from __future__ import annotations

import pytest

from tests.api.conftest import Client
from tests.api.expect import problem

JSON = {"Content-Type": "application/json"}


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nope", 404, "JQ404"),
        ("GET", "/css/nope.css", 404, "JQ404"),
        ("GET", "/../etc/passwd", 404, "JQ404"),
        ("GET", "/%2e%2e/%2e%2e/etc/passwd", 404, "JQ404"),
        ("GET", "/jobs/99999999999999999999", 422, "JQ001"),
        ("PUT", "/jobs", 405, "JQ405"),
        ("POST", "/index.html", 405, "JQ405"),
        ("DELETE", "/docs", 405, "JQ405"),
        ("PATCH", "/health/live", 405, "JQ405"),
    ],
)
def test_every_refusal_is_a_problem_document(
    api: Client, method: str, path: str, status: int, code: str
) -> None:
    answer = api.request(method, path)
    found = problem(answer, status, code)
    assert found["request_id"] == answer.headers["x-request-id"]
    if status == 405:
        assert answer.headers["allow"]


def test_a_body_over_its_limit(api: Client) -> None:
    problem(api.post("/tokens", headers=JSON, content=b" " * 70_000), 413, "JQ005")
