"""Tokens and roles."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from forge.api.access import RIGHTS, Right
from forge.api.app import ROUTES
from tests.api.conftest import TOKENS, Client, bearer
from tests.api.jobs import enqueue
from tests.database import Database

MakeApi = Callable[..., Client]

# Written out, so that a change of the table in the code shows.
MAY = {
    ("GET", "/session"): {"viewer", "producer", "worker", "operator"},
    ("GET", "/jobs"): {"viewer", "operator"},
    ("GET", "/jobs/count"): {"viewer", "operator"},
    ("GET", "/dlq/count"): {"viewer", "operator"},
    ("GET", "/stats"): {"viewer", "operator"},
    ("GET", "/stats/history"): {"viewer", "operator"},
    ("GET", "/dlq"): {"viewer", "operator"},
    ("GET", "/dlq/groups"): {"viewer", "operator"},
    ("GET", "/revivals"): {"viewer", "operator"},
    ("GET", "/retry-rules"): {"viewer", "operator"},
    ("GET", "/queues"): {"viewer", "operator"},
    ("GET", "/workers"): {"viewer", "operator"},
    ("GET", "/workers/{worker:str}"): {"viewer", "operator"},
    ("POST", "/workers/{worker:str}/drain"): {"operator"},
    ("POST", "/workers/{worker:str}/resume"): {"operator"},
    ("GET", "/types"): {"viewer", "operator"},
    ("PATCH", "/types/{name:path}"): {"operator"},
    ("GET", "/settings"): {"viewer", "operator"},
    ("PATCH", "/settings"): {"operator"},
    ("GET", "/doctor"): {"viewer", "operator"},
    ("GET", "/errors"): {"viewer", "producer", "worker", "operator"},
    ("GET", "/transitions"): {"viewer", "producer", "worker", "operator"},
    ("GET", "/sql-handlers"): {"viewer", "operator"},
    ("GET", "/changes"): {"viewer", "operator"},
    ("GET", "/limits"): {"viewer", "operator"},
    ("PATCH", "/limits/{name:path}"): {"operator"},
    ("GET", "/events"): {"viewer", "operator"},
    ("GET", "/jobs/{job_id:int}"): {"viewer", "producer", "operator"},
    ("GET", "/jobs/{job_id:int}/explain"): {"viewer", "operator"},
    ("GET", "/jobs/{job_id:int}/log"): {"viewer", "producer", "operator"},
    ("POST", "/jobs"): {"producer", "operator"},
    ("POST", "/jobs/batch"): {"producer", "operator"},
    ("GET", "/jobs/{job_id:int}/parents"): {"viewer", "producer", "worker", "operator"},
    ("GET", "/jobs/{job_id:int}/children"): {"viewer", "producer", "operator"},
    ("GET", "/conditions"): {"viewer", "operator"},
    ("POST", "/batches"): {"producer", "operator"},
    ("POST", "/batches/{job_id:int}/close"): {"producer", "operator"},
    ("POST", "/jobs/{job_id:int}/cancel"): {"operator"},
    ("POST", "/jobs/{job_id:int}/retry"): {"operator"},
    ("POST", "/dlq/retry"): {"operator"},
    ("POST", "/dlq/discard"): {"operator"},
    ("POST", "/revivals/{revival_id:int}/cancel"): {"operator"},
    ("PUT", "/retry-rules"): {"operator"},
    ("POST", "/dlq/{job_id:int}/retry"): {"operator"},
    ("DELETE", "/dlq/{job_id:int}"): {"operator"},
    ("GET", "/queues/{name:path}"): {"viewer", "operator"},
    ("PATCH", "/queues/{name:path}"): {"operator"},
    ("DELETE", "/queues/{name:path}"): {"operator"},
    ("GET", "/schedules"): {"viewer", "operator"},
    ("GET", "/schedules/{name:str}"): {"viewer", "operator"},
    ("GET", "/schedules/{name:str}/next"): {"viewer", "operator"},
    ("GET", "/migrations"): {"viewer", "operator"},
    ("GET", "/next-runs"): {"viewer", "operator"},
    ("PUT", "/schedules/{name:str}"): {"operator"},
    ("DELETE", "/schedules/{name:str}"): {"operator"},
    ("POST", "/schedules/{name:str}/pause"): {"operator"},
    ("POST", "/schedules/{name:str}/resume"): {"operator"},
    ("POST", "/schedules/{name:str}/run"): {"operator"},
    ("PATCH", "/jobs/{job_id:int}"): {"operator"},
    ("POST", "/jobs/edit"): {"operator"},
    ("POST", "/jobs/cancel"): {"operator"},
    ("POST", "/jobs/retry"): {"operator"},
    ("GET", "/admissions"): {"viewer", "operator"},
    ("PUT", "/admissions/{name:path}"): {"operator"},
    ("DELETE", "/admissions/{name:path}"): {"operator"},
    ("GET", "/schemas"): {"viewer", "operator"},
    ("PUT", "/schemas/{name:path}"): {"operator"},
    ("DELETE", "/schemas/{name:path}"): {"operator"},
    ("GET", "/stats/latency"): {"viewer", "operator"},
    ("GET", "/warnings"): {"viewer", "operator"},
    ("GET", "/metrics"): {"viewer", "operator"},
    ("GET", "/tokens"): {"operator"},
    ("POST", "/tokens"): {"operator"},
    ("DELETE", "/tokens/{token_id:int}"): {"operator"},
    ("POST", "/worker/register"): {"worker", "operator"},
    ("POST", "/worker/unregister"): {"worker", "operator"},
    ("POST", "/worker/dequeue"): {"worker", "operator"},
    ("POST", "/worker/exchange"): {"worker", "operator"},
    ("POST", "/worker/complete"): {"worker", "operator"},
    ("POST", "/worker/fail"): {"worker", "operator"},
    ("POST", "/worker/heartbeat"): {"worker", "operator"},
    ("POST", "/worker/release"): {"worker", "operator"},
    ("POST", "/worker/snooze"): {"worker", "operator"},
    ("POST", "/worker/progress"): {"worker", "operator"},
    ("POST", "/worker/log"): {"worker", "operator"},
}
OPEN = {("GET", "/health/live"), ("GET", "/health/ready")}


def filled(path: str) -> str:
    for kind, value in (("int", "1"), ("path", "q"), ("str", "s")):
        path = re.sub(rf"{{\w+:{kind}}}", value, path)
    return path


def _routes() -> dict[tuple[str, str], Right | None]:
    return {
        (method, path): handler.opt["right"]
        for handler in ROUTES
        for path in handler.paths
        for method in handler.http_methods
    }


def test_the_table_knows_every_route() -> None:
    assert set(_routes()) == set(MAY) | OPEN
    assert {route for route, right in _routes().items() if right is None} == OPEN


@pytest.mark.parametrize("role", RIGHTS)
def test_a_role_may_do_what_the_table_says(make_api: MakeApi, role: str) -> None:
    api = make_api(tokens=TOKENS)
    for (method, path), roles in MAY.items():
        if path == "/events" and role in roles:
            continue  # a stream without an end; it has tests of its own
        url = filled(path)
        answer = api.request(method, url, headers=bearer(role))
        assert (answer.status_code == 403) is (role not in roles), (method, path, answer.text)
        if answer.status_code == 403:
            assert answer.json()["code"] == "JQ403"


def test_without_a_token_nothing_is_told(make_api: MakeApi) -> None:
    api = make_api(tokens=TOKENS)
    for method, path in MAY:
        url = filled(path)
        answer = api.request(method, url)
        assert answer.status_code == 401, (method, path)
        assert answer.json()["code"] == "JQ401"
        assert answer.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize(
    "header",
    ["Bearer", "Bearer ", "Bearer nope", "Basic the-operator-token-1234", "the-operator-token-1234",
     "Bearer the-operator-token-123", "Bearer the-operator-token-12345", "Bearer \u00e9"],
)  # fmt: skip
def test_a_wrong_token_is_refused(make_api: MakeApi, header: str) -> None:
    api = make_api(tokens=TOKENS)
    answer = api.get("/stats", headers={b"Authorization": header.encode("latin-1")})
    assert answer.status_code == 401


def test_pages_documents_and_health_ask_for_no_token(make_api: MakeApi) -> None:
    api = make_api(tokens=TOKENS)
    for path in ("/health/live", "/health/ready", "/docs", "/openapi.json"):
        assert api.get(path).status_code == 200, path


def test_the_session_tells_the_role(make_api: MakeApi) -> None:
    api = make_api(tokens=TOKENS)
    session = api.get("/session", headers=bearer("viewer")).json()
    assert (session["role"], session["tokens"]) == ("viewer", True)
    assert session["rights"] == ["read", "read_job", "read_parents", "session"]


def test_only_operators_see_secrets(make_api: MakeApi, db: Database) -> None:
    job_id = enqueue(db, payload='{"to": "a", "smtp": [{"Password": "hunter2"}]}')
    api = make_api(tokens=TOKENS)
    for role in ("viewer", "producer"):
        job = api.get(f"/jobs/{job_id}", headers=bearer(role)).json()
        assert job["payload"] == {"to": "a", "smtp": [{"Password": "[redacted]"}]}
    assert "hunter2" not in api.get("/jobs", headers=bearer("viewer")).text
    assert "hunter2" in api.get(f"/jobs/{job_id}", headers=bearer("operator")).text
    assert "hunter2" in make_api().get(f"/jobs/{job_id}").text
