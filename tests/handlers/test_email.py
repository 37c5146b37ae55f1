"""The `email` handler against a real SMTP server."""

from __future__ import annotations

import socket
from typing import Any

import pytest
from aiosmtpd.smtp import AuthResult

from forge.errors import PermanentError
from forge.handlers.config import EmailConfig
from forge.handlers.email import EmailHandler, MailDeferred
from forge.models import Job

from .conftest import MakeJob
from .smtp_server import MailServer, mail_server

pytestmark = pytest.mark.anyio

HELLO = {"to": "user@example.com", "subject": "Hello"}


async def send(server: MailServer, job: Job, **config: Any) -> dict[str, Any]:
    options: dict[str, Any] = {"host": "127.0.0.1", "port": server.port, "timeout": 5.0}
    return await EmailHandler(EmailConfig(**options | config))(job)


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


@pytest.mark.parametrize(
    ("answers", "error"),
    [
        ({"on_data": "550 no such content"}, PermanentError),
        ({"on_data": "451 try later"}, MailDeferred),
        ({"on_mail": "553 not you"}, PermanentError),
        ({"on_mail": "452 full"}, MailDeferred),
        ({"refuse": {"user@example.com": "550 unknown"}}, PermanentError),
        ({"refuse": {"user@example.com": "450 greylisted"}}, MailDeferred),
        # Every mail would otherwise be buried while a login is missing or being changed.
        ({"on_mail": "530 authentication required"}, MailDeferred),
    ],
    ids=repr,
)
async def test_a_5xx_is_permanent_and_a_4xx_is_not(
    make_job: MakeJob, answers: dict[str, Any], error: type[Exception]
) -> None:
    async with mail_server(**answers) as server:
        with pytest.raises(error, match=r"[45]\d\d "):
            await send(server, make_job(HELLO))


async def test_one_refused_recipient_of_two_is_told_and_does_not_resend(make_job: MakeJob) -> None:
    async with mail_server(refuse={"b@example.com": "550 unknown"}) as server:
        result = await send(server, make_job({"to": ["a@example.com", "b@example.com"]}))

    assert result["accepted"] == 1
    assert result["refused"] == {"b@example.com": "550 unknown"}


@pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS:UserWarning")
async def test_a_refused_login_is_worth_another_attempt(make_job: MakeJob) -> None:
    async with mail_server(
        smtp_authenticator=lambda *_: AuthResult(success=False, handled=False),
        smtp_auth_require_tls=False,
        smtp_auth_required=True,
    ) as server:
        with pytest.raises(MailDeferred, match="535"):
            await send(server, make_job(HELLO), user="u", password="p", security="none")


async def test_a_login_does_not_go_out_in_clear_text_by_default(make_job: MakeJob) -> None:
    async with mail_server() as server:
        with pytest.raises(MailDeferred, match="STARTTLS"):
            await send(server, make_job(HELLO), user="u", password="secret-word")


async def test_no_server_is_worth_another_attempt_and_says_where(make_job: MakeJob) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))  # bound, not listening: a connection is refused
        port = unused.getsockname()[1]
        handler = EmailHandler(EmailConfig(host="127.0.0.1", port=port, timeout=5))
        with pytest.raises(MailDeferred, match=f"127.0.0.1:{port}"):
            await handler(make_job(HELLO))


async def test_a_silent_server_is_given_up_in_time(make_job: MakeJob) -> None:
    async with mail_server(silent=True) as server:
        with pytest.raises(MailDeferred, match=r"over 0\.2 s"):
            await send(server, make_job(HELLO), timeout=0.2)


async def test_an_address_beyond_ascii_needs_a_server_that_takes_it(make_job: MakeJob) -> None:
    job = make_job({"to": "пошта@example.com", "subject": "x"})
    async with mail_server() as able, mail_server(smtp_enable_SMTPUTF8=False) as unable:
        result = await send(able, job)
        with pytest.raises(PermanentError):
            await send(unable, job)

    assert result["accepted"] == 1
    assert able.envelopes[0].rcpt_tos == ["пошта@example.com"]
