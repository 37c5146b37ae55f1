"""The `email` handler against a real SMTP server."""

from __future__ import annotations

from typing import Any

import pytest

from forge.errors import PermanentError

from .conftest import MakeJob
from .smtp_server import HELLO, mail_server, send

pytestmark = pytest.mark.anyio


async def test_the_contracts_example_arrives(make_job: MakeJob) -> None:
    async with mail_server() as server:
        result = await send(server, make_job(HELLO))

    assert server.envelopes[0].rcpt_tos == ["user@example.com"]
    assert server.message()["Subject"] == "Hello"
    assert server.message()["From"] == "forge@localhost"
    assert server.message().get_content().strip() == ""
    assert result["accepted"] == 1
    assert result["response"] == "OK taken"


async def test_text_html_names_and_copies_arrive(make_job: MakeJob) -> None:
    payload = {
        "to": ["Ä. B. <a@example.com>", "b@example.com"],
        "cc": "c@example.com, Dee <d@example.com>",
        "bcc": "hidden@example.com",
        "reply_to": "desk@example.com",
        "from": "Shop <shop@example.org>",
        "subject": "Grüße 你好",
        "text": "plain\n.\nstill here",
        "html": "<p>rich</p>",
        "headers": {"X-Order": "17", "List-Unsubscribe": "<https://example.org/u>"},
    }
    async with mail_server() as server:
        await send(server, make_job(payload))

    message = server.message()
    assert server.envelopes[0].mail_from == "shop@example.org"
    assert server.envelopes[0].rcpt_tos == [
        f"{who}@example.com" for who in ("a", "b", "c", "d", "hidden")
    ]
    assert b"hidden@" not in (server.envelopes[0].original_content or b"")
    assert str(message["To"]) == '"Ä. B." <a@example.com>, b@example.com'
    assert message["Subject"] == "Grüße 你好"
    assert message["Reply-To"] == "desk@example.com"
    assert message["X-Order"] == "17"
    plain, rich = message.get_body(("plain",)), message.get_body(("html",))
    assert plain is not None
    assert rich is not None
    assert plain.get_content().splitlines() == ["plain", ".", "still here"]
    assert rich.get_content().strip() == "<p>rich</p>"


@pytest.mark.parametrize(
    ("field", "kind"), [("body", "plain"), ("text", "plain"), ("html", "html")]
)
async def test_one_body_alone_is_that_body(make_job: MakeJob, field: str, kind: str) -> None:
    async with mail_server() as server:
        await send(server, make_job({**HELLO, field: "words"}))

    assert server.message().get_content_type() == f"text/{kind}"
    assert server.message().get_content().strip() == "words"


async def test_a_redelivery_carries_the_same_message_id(make_job: MakeJob) -> None:
    async with mail_server() as server:
        first = await send(server, make_job(HELLO, attempts=1))
        again = await send(server, make_job(HELLO, attempts=2))
        other = await send(server, make_job(HELLO, id=4712))

    assert first["message_id"] == again["message_id"] != other["message_id"]


@pytest.mark.parametrize(
    "payload",
    [
        {},
        "not an object",
        {"subject": "Hello"},
        {"to": 5},
        {"to": []},
        {"to": ""},
        {"to": "nobody"},
        {"to": "a@b@c"},
        {"to": "two words@example.com"},
        {"to": [f"u{n}@example.com" for n in range(101)]},
        {"to": "a@example.com", "sujet": "a misspelt field"},
        {"to": "a@example.com", "text": "a", "body": "b"},
        {"to": "a@example.com", "from": "a@example.com, b@example.com"},
        {"to": "a@example.com\r\nBcc: x@example.com"},
        {"to": ["a@example.com\nX: y"]},
        {"to": "=?utf-8?q?a=0ABcc:_x@example.com?= <a@example.com>"},
        {**HELLO, "subject": "Hi\r\nBcc: x@example.com"},
        {**HELLO, "subject": "Hi\rBcc: x@example.com"},
        {**HELLO, "subject": "Hi\u2028Bcc: x@example.com"},
        {**HELLO, "subject": "=?utf-8?q?Hi=0ABcc:_x@example.com?="},
        {**HELLO, "reply_to": "a@example.com\nBcc: x@example.com"},
        {**HELLO, "headers": {"X-A": "1\nBcc: x@example.com"}},
        {**HELLO, "headers": {"X-A": "=?utf-8?q?1=0D=0ABcc:_x@example.com?="}},
        {**HELLO, "headers": {"X-A: 1\nBcc": "x@example.com"}},
        {**HELLO, "headers": {"Bcc": "x@example.com"}},
        {**HELLO, "headers": {"message-id": "<mine@example.com>"}},
        {**HELLO, "headers": {"Content-Type": "text/html"}},
        {**HELLO, "headers": {"X-A": "1", "x-a": "2"}},
    ],
    ids=repr,
)
async def test_a_bad_payload_never_retries(make_job: MakeJob, payload: Any) -> None:
    async with mail_server() as server:
        with pytest.raises(PermanentError, match="bad payload"):
            await send(server, make_job(payload))

    assert server.envelopes == []
