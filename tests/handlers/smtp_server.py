"""A real SMTP server on loopback that answers as the test says."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from aiosmtpd.smtp import SMTP, Envelope, Session

from forge.handlers.config import EmailConfig
from forge.handlers.email import EmailHandler
from forge.models import Job

HELLO = {"to": "user@example.com", "subject": "Hello"}


@dataclass
class MailServer:
    """Addresses in `refuse` get that answer to RCPT; `on_data` is the answer to the mail."""

    port: int = 0
    refuse: dict[str, str] = field(default_factory=dict)
    on_mail: str = ""
    on_data: str = "250 OK taken"
    silent: bool = False
    envelopes: list[Envelope] = field(default_factory=list)

    def message(self) -> EmailMessage:
        (envelope,) = self.envelopes
        assert isinstance(envelope.content, bytes)
        return message_from_bytes(envelope.content, policy=policy.default)

    async def handle_MAIL(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.on_mail:
            return self.on_mail
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 OK"

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address in self.refuse:
            return self.refuse[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        if self.silent:
            await asyncio.Event().wait()
        self.envelopes.append(envelope)
        return self.on_data


@asynccontextmanager
async def mail_server(**options: Any) -> AsyncIterator[MailServer]:
    """`options` go to `MailServer`, those that begin with `smtp_` to aiosmtpd."""
    smtp = {k.removeprefix("smtp_"): options.pop(k) for k in list(options) if k[:5] == "smtp_"}
    mails = MailServer(**options)
    smtp.setdefault("enable_SMTPUTF8", True)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: SMTP(mails, hostname="test", loop=loop, **smtp), "127.0.0.1", 0
    )
    mails.port = server.sockets[0].getsockname()[1]
    try:
        yield mails
    finally:
        server.close()


async def send(server: MailServer, job: Job, **config: Any) -> dict[str, Any]:
    options: dict[str, Any] = {"host": "127.0.0.1", "port": server.port, "timeout": 5.0}
    return await EmailHandler(EmailConfig(**options | config))(job)
