"""The `webhook` handler against a real HTTP server: what its answer means for the job."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from forge.errors import PermanentError, RetryLater
from forge.handlers.webhook import WebhookFailed

from .conftest import MakeJob
from .http_server import answer, http_server
from .sending import payload_for, send
from .waiting import until

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    ("status", "error"),
    [
        ("301 Moved Permanently", PermanentError),
        ("400 Bad Request", PermanentError),
        ("401 Unauthorized", PermanentError),
        ("404 Not Found", PermanentError),
        ("410 Gone", PermanentError),
        ("408 Request Timeout", WebhookFailed),
        ("429 Too Many Requests", WebhookFailed),
        ("500 Internal Server Error", WebhookFailed),
        ("503 Service Unavailable", WebhookFailed),
    ],
)
async def test_what_a_status_means(make_job: MakeJob, status: str, error: type[Exception]) -> None:
    async with http_server(answer(status, b"because", location="http://127.0.0.1/")) as server:
        with pytest.raises(error, match=f"answered {status}") as caught:
            await send(make_job(payload_for(server)))

    assert len(server.requests) == 1
    assert type(caught.value) is error
    assert "s3cret" not in str(caught.value)
    assert ("redirects are not followed" in str(caught.value)) == status.startswith("3")


@pytest.mark.parametrize("status", ["408 Request Timeout", "429 Slow Down", "503 Away"])
async def test_retry_after_in_seconds_is_honoured(make_job: MakeJob, status: str) -> None:
    async with http_server(answer(status, retry_after="17")) as server:
        with pytest.raises(RetryLater, match=status) as caught:
            await send(make_job(payload_for(server)))

    assert caught.value.delay == timedelta(seconds=17)


async def test_retry_after_as_a_date_is_honoured(make_job: MakeJob) -> None:
    when = datetime.now(UTC) + timedelta(seconds=90)
    async with http_server(answer("503 Away", retry_after=format_datetime(when, True))) as server:
        with pytest.raises(RetryLater) as caught:
            await send(make_job(payload_for(server)))

    assert timedelta(seconds=80) < caught.value.delay <= timedelta(seconds=90)


async def test_a_long_retry_after_is_capped(make_job: MakeJob) -> None:
    async with http_server(answer("429 Go Away", retry_after="999999999999")) as server:
        with pytest.raises(RetryLater) as caught:
            await send(make_job(payload_for(server)), retry_after_max=60.0)

    assert caught.value.delay == timedelta(seconds=60)


async def test_a_retry_after_that_asks_nothing_leaves_the_backoff(make_job: MakeJob) -> None:
    for value in ("0", "-5", "soon", "Wed, 21 Oct 2015 07:28:00 GMT", ""):
        async with http_server(answer("503 Away", retry_after=value)) as server:
            with pytest.raises(WebhookFailed):
                await send(make_job(payload_for(server)))


async def test_of_a_huge_answer_the_first_2_kb_are_kept_and_no_more_read(make_job: MakeJob) -> None:
    endless = b"HTTP/1.1 200 OK\r\n\r\n" + b"\x00\xffab" * 2**20
    async with http_server(endless, hangs=True) as server:
        result = await send(make_job(payload_for(server)))

    assert result["truncated"]
    assert len(result["body"]) == 2048
    assert "\x00" not in result["body"]


@pytest.mark.parametrize(
    "reply",
    [
        b"",
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\ncut",
        b"this is not HTTP\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"a" * 200_000 + b"\r\n\r\n",
    ],
    ids=["nothing", "cut", "not HTTP", "endless header"],
)
async def test_half_an_answer_is_worth_another_attempt(make_job: MakeJob, reply: bytes) -> None:
    async with http_server(reply) as server:
        with pytest.raises(WebhookFailed, match=f"POST http://127.0.0.1:{server.port}:"):
            await send(make_job(payload_for(server)))


@pytest.mark.parametrize("reply", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nslow"])
async def test_a_slow_answer_is_given_up_in_time(make_job: MakeJob, reply: bytes) -> None:
    async with http_server(reply, hangs=True) as server:
        started = time.monotonic()
        with pytest.raises(WebhookFailed, match=r"over 0\.2 s"):
            await send(make_job(payload_for(server, timeout=0.2)))

    assert time.monotonic() - started < 3


async def test_a_refused_connection_is_worth_another_attempt(make_job: MakeJob) -> None:
    async with http_server() as server:
        pass  # its port is free again
    with pytest.raises(WebhookFailed):
        await send(make_job(payload_for(server)))


async def test_a_job_that_is_cancelled_lets_go_of_the_connection(make_job: MakeJob) -> None:
    async with http_server(b"", hangs=True) as server:
        task = asyncio.create_task(send(make_job(payload_for(server))))
        await until(lambda: server.requests)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
