"""The `webhook` handler against a real HTTP server: what is sent, and what is not."""

from __future__ import annotations

from typing import Any

import pytest
from standardwebhooks import Webhook

from forge.errors import PermanentError
from forge.handlers.signing import parse_secrets
from forge.handlers.webhook import WebhookFailed

from .conftest import MakeJob
from .http_server import answer, http_server
from .sending import payload_for, send

pytestmark = pytest.mark.anyio

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
NEXT_SECRET = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oDf6Cx4uzBNw4="


async def test_json_arrives_signed_as_the_specification_says(make_job: MakeJob) -> None:
    async with http_server() as server:
        payload = payload_for(server, json={"type": "order.paid", "data": {"n": 1, "s": "ü"}})
        result = await send(make_job(payload), secrets=parse_secrets(SECRET))

    (request,) = server.requests
    event = Webhook(SECRET).verify(request.body, request.headers)
    assert event == {"type": "order.paid", "data": {"n": 1, "s": "ü"}}
    assert request.line == "POST /hook?token=s3cret HTTP/1.1"
    assert request.headers["host"] == f"127.0.0.1:{server.port}"
    assert request.headers["content-type"] == "application/json"
    assert request.headers["webhook-id"] == result["id"]
    assert result | {"seconds": 0, "id": ""} == {
        "status": 200,
        "body": "thanks",
        "truncated": False,
        "seconds": 0,
        "id": "",
        "signed": True,
    }


async def test_with_two_secrets_a_receiver_that_knows_either_is_content(make_job: MakeJob) -> None:
    secrets = parse_secrets(f"{NEXT_SECRET} {SECRET}")
    async with http_server() as server:
        await send(make_job(payload_for(server, body="text")), secrets=secrets)

    (request,) = server.requests
    for secret in (SECRET, NEXT_SECRET):
        Webhook(secret).verify(request.body, request.headers, json_parse=False)
    assert request.headers["content-type"].startswith("text/plain")


async def test_a_payloads_own_secret_replaces_the_operators(make_job: MakeJob) -> None:
    async with http_server() as server:
        job = make_job(payload_for(server, json=None, secret=NEXT_SECRET))
        await send(job, secrets=parse_secrets(SECRET))

    (request,) = server.requests
    assert request.body == b"null"
    assert Webhook(NEXT_SECRET).verify(request.body, request.headers) is None
    assert len(request.headers["webhook-signature"].split()) == 1


async def test_the_id_is_the_same_on_every_attempt(make_job: MakeJob) -> None:
    async with http_server() as server:
        job = make_job(payload_for(server))
        first = await send(job)
        again = await send(make_job(job.payload, attempts=2))
        other = await send(make_job(job.payload, id=4712))

    assert first["id"] == again["id"] != other["id"]
    assert not first["signed"]
    assert "webhook-signature" not in server.requests[0].headers


async def test_method_and_headers_are_the_payloads(make_job: MakeJob) -> None:
    async with http_server(answer("204 No Content")) as server:
        headers = {"Authorization": "Bearer abc", "Content-Type": "application/cloudevents+json"}
        result = await send(make_job(payload_for(server, method="PUT", headers=headers, json=[1])))

    (request,) = server.requests
    assert result["status"] == 204
    assert request.line.startswith("PUT ")
    assert request.headers["authorization"] == "Bearer abc"
    assert request.headers["content-type"] == "application/cloudevents+json"


async def test_no_url_gets_into_the_log(
    make_job: MakeJob, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    async with http_server() as server:
        await send(make_job(payload_for(server)))
    # what the error says is logged, too, and everybody who looks at the job can read it
    async with http_server(answer("500 No")) as server:
        with pytest.raises(WebhookFailed) as failed:
            await send(make_job(payload_for(server)))

    assert "s3cret" not in caplog.text
    assert "s3cret" not in str(failed.value)


@pytest.mark.parametrize(
    "payload",
    [
        {},
        [],
        {"url": ""},
        {"url": 1},
        {"url": "/relative"},
        {"url": "ftp://127.0.0.1/"},
        {"url": "file:///etc/passwd"},
        {"url": "http://"},
        {"url": "http://user:pw@127.0.0.1/"},
        {"url": "http://127.0.0.1:99999/"},
        {"url": "http://127.0.0.1/\r\nX: y"},
        {"url": f"http://{'a' * 70}.example/"},
        {"url": "http://a..b/"},
        {"url": "http://127.0.0.1/", "methd": "GET"},
        {"url": "http://127.0.0.1/", "method": "CONNECT"},
        {"url": "http://127.0.0.1/", "body": "a", "json": 1},
        {"url": "http://127.0.0.1/", "timeout": 0},
        {"url": "http://127.0.0.1/", "timeout": 1e9},
        {"url": "http://127.0.0.1/", "headers": {"X": "a\r\nY: b"}},
        {"url": "http://127.0.0.1/", "headers": {"X: a\r\nY": "b"}},
        {"url": "http://127.0.0.1/", "headers": {"X": "é"}},
        {"url": "http://127.0.0.1/", "headers": {"Host": "other"}},
        {"url": "http://127.0.0.1/", "headers": {"Transfer-Encoding": "chunked"}},
        {"url": "http://127.0.0.1/", "headers": {"Webhook-Signature": "v1,x"}},
        {"url": "http://127.0.0.1/", "headers": {"X-A": "1", "x-a": "2"}},
        {"url": "http://127.0.0.1/", "secret": "whsec_c2hvcnQ="},
        {"url": "http://127.0.0.1/", "secret": "no prefix"},
    ],
    ids=repr,
)
async def test_a_bad_payload_never_retries(make_job: MakeJob, payload: Any) -> None:
    with pytest.raises(PermanentError):
        await send(make_job(payload))
