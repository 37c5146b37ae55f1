"""Paths, methods and query parameters that are wrong."""

from __future__ import annotations

import json

import pytest

from tests.api.conftest import Client
from tests.api.expect import problem


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
        "before=null",
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


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("/jobs", "GET, OPTIONS, POST"),
        ("/jobs/1", "GET, OPTIONS, PATCH"),
        ("/queues/a%2Fb", "DELETE, GET, OPTIONS, PATCH"),
        ("/schedules/s", "DELETE, GET, OPTIONS, PUT"),
        ("/stats", "GET, OPTIONS"),
    ],
)
def test_options_names_every_method_of_a_path(api: Client, path: str, allowed: str) -> None:
    answer = api.options(path)
    assert (answer.status_code, answer.headers["allow"]) == (204, allowed)


@pytest.mark.parametrize("query", ["before=null", "before=NULL", "limit=null"])
def test_null_is_no_number(api: Client, query: str) -> None:
    problem(api.get(f"/jobs?{query}"), 422, "JQ001")


def test_null_is_a_name_like_others(api: Client) -> None:
    assert api.get("/jobs?queue=null").json()["items"] == []


def test_the_problem_says_where_and_what_to_do(api: Client) -> None:
    found = problem(api.get("/jobs/1"), 404, "JQ003")
    assert found["instance"] == "/jobs/1"
    assert found["type"] == "urn:forge:problem:job_not_found"
    assert found["name"] == "job_not_found"
    assert set(found) == {
        "type", "title", "status", "detail", "code", "name", "hint", "instance", "errors",
        "request_id",
    }  # fmt: skip
    assert json.dumps(found)
