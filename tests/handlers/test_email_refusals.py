"""The `email` handler against a real SMTP server that refuses, wants a login, or is not there."""

from __future__ import annotations

import socket
from typing import Any

import pytest
from aiosmtpd.smtp import AuthResult

from forge.errors import PermanentError
from forge.handlers.config import EmailConfig
from forge.handlers.email import EmailHandler, MailDeferred

from .conftest import MakeJob
from .smtp_server import HELLO, mail_server, send

pytestmark = pytest.mark.anyio


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
    tried: list[object] = []

    def taking_it(*login: object) -> AuthResult:
        tried.append(login)
        return AuthResult(success=True)

    # a server that would take it: another may be in between
    options = {"smtp_auth_require_tls": False, "smtp_authenticator": taking_it}
    async with mail_server(**options) as server:
        with pytest.raises(MailDeferred, match="STARTTLS"):
            await send(server, make_job(HELLO), user="u", password="secret-word")
    assert tried == []


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
