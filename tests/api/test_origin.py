"""Host, Origin, CORS and the security headers."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.api.conftest import TOKENS, Client, bearer

MakeApi = Callable[..., Client]
OURS = "http://127.0.0.1:8080"
FRIEND = "https://dash.example"


@pytest.mark.parametrize(
    "host", ["localhost", "localhost:8080", "127.0.0.1:1", "[::1]:8080", "LOCALHOST"]
)
def test_loopback_names_are_answered(api: Client, host: str) -> None:
    assert api.get("/session", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example:8080", "192.0.2.1"])
def test_a_rebound_name_is_refused_on_every_route(api: Client, host: str) -> None:
    for path in ("/session", "/health/live", "/", "/docs"):
        answer = api.get(path, headers={"Host": host})
        assert (answer.status_code, answer.json()["code"]) == (421, "JQ421"), path


def test_with_tokens_any_name_of_the_server_will_do(make_api: MakeApi) -> None:
    api = make_api(tokens=TOKENS, host="0.0.0.0")
    headers = {"Host": "forge.example", **bearer("viewer")}
    assert api.get("/session", headers=headers).status_code == 200


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "http://localhost:3000", "http://localhost", ""]
)
def test_a_foreign_page_cannot_write(api: Client, origin: str) -> None:
    for method, path in (("POST", "/dlq/retry"), ("POST", "/jobs/1/cancel"), ("DELETE", "/dlq/1")):
        answer = api.request(method, path, headers={"Origin": origin})
        assert (answer.status_code, answer.json()["code"]) == (403, "JQ403")


def test_its_own_page_and_no_page_can_write(api: Client) -> None:
    for headers in ({}, {"Origin": OURS}):
        assert api.post("/dlq/retry", headers=headers).status_code == 200


def test_a_listed_origin_can_write_and_read(make_api: MakeApi) -> None:
    api = make_api(cors_origins=(FRIEND,))
    answer = api.post("/dlq/retry", headers={"Origin": FRIEND})
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == FRIEND
    assert "Origin" in answer.headers["vary"]
    problem = api.get("/nope", headers={"Origin": FRIEND})
    assert problem.headers["access-control-allow-origin"] == FRIEND


def test_a_listed_origin_may_ask_before_it_writes(make_api: MakeApi) -> None:
    api = make_api(cors_origins=(FRIEND,), tokens=TOKENS)
    asked = {"Origin": FRIEND, "Access-Control-Request-Method": "PATCH"}
    answer = api.options("/queues/q", headers=asked)
    assert answer.status_code == 204
    assert answer.headers["access-control-allow-origin"] == FRIEND
    assert "PATCH" in answer.headers["access-control-allow-methods"]
    assert "Authorization" in answer.headers["access-control-allow-headers"]


def test_other_origins_are_told_nothing(make_api: MakeApi) -> None:
    for api in (make_api(), make_api(cors_origins=(FRIEND,))):
        for method in ("GET", "OPTIONS"):
            answer = api.request(method, "/jobs", headers={"Origin": "https://evil.example"})
            assert "access-control-allow-origin" not in answer.headers


def test_every_answer_carries_the_security_headers(api: Client) -> None:
    for path in ("/jobs", "/jobs/1", "/nope", "/docs", "/openapi.json", "/", "/health/live"):
        headers = api.get(path).headers
        assert headers["x-content-type-options"] == "nosniff", path
        assert headers["referrer-policy"] == "no-referrer"
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert headers["cache-control"] in ("no-store", "no-cache")
