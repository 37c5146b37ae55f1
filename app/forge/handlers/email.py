"""`email`: hands one mail to an SMTP server.

aiosmtplib rather than smtplib in a thread: a job that loses its lease is cancelled in the middle of
the conversation, which a thread cannot be. Delivery is at least once; a mail that is sent twice
carries the same Message-ID.
"""

from __future__ import annotations

import asyncio
from typing import Any

import aiosmtplib

from forge.errors import PermanentError
from forge.handlers.config import EmailConfig
from forge.handlers.email_message import EmailPayload, Envelope, compose
from forge.handlers.payload import read, stable_id, text_for_jsonb
from forge.models import Job

# Answers about the login (RFC 4954). It is the operator's, not the mail's, and no reason to bury
# every mail that waits.
_WANTS_LOGIN = (530, 534, 535, 538)


class MailDeferred(Exception):
    """The mail was not taken this time; another attempt may succeed."""


class EmailHandler:
    """Payload: see `EmailPayload`. Result: message_id, accepted, refused, response."""

    def __init__(self, config: EmailConfig) -> None:
        self.config = config

    async def __call__(self, job: Job) -> dict[str, Any]:
        envelope = compose(read(job, EmailPayload), self.config.sender, stable_id(job))
        where = f"SMTP server {self.config.host}:{self.config.port}"
        try:
            async with asyncio.timeout(self.config.timeout):
                refused, response = await self._send(envelope)
        except aiosmtplib.SMTPRecipientsRefused as error:
            answers = {r.recipient: (r.code, r.message) for r in error.recipients}
            shown = ", ".join(f"{who}: {said}" for who, said in _shown(answers).items())
            message = f"{where} refused every recipient: {shown}"
            # One address that may work later is worth another attempt.
            final = all(code >= 500 for code, _ in answers.values())
            raise (PermanentError if final else MailDeferred)(message) from None
        except (aiosmtplib.SMTPSenderRefused, aiosmtplib.SMTPDataError) as error:
            message = f"{where} refused the mail: {error.code} {text_for_jsonb(error.message)}"
            final = error.code >= 500 and error.code not in _WANTS_LOGIN
            raise (PermanentError if final else MailDeferred)(message) from None
        except aiosmtplib.SMTPNotSupported as error:
            if envelope.needs_utf8:
                raise PermanentError(f"{where} takes no such address: {error}") from None
            raise MailDeferred(f"{where}: {error}") from None
        except TimeoutError:
            raise MailDeferred(f"{where} took over {self.config.timeout:g} s") from None
        except (aiosmtplib.SMTPException, OSError) as error:
            # Also a refused login or greeting, whatever its code, for the reason given above.
            raise MailDeferred(f"{where} (FORGE_SMTP_*): {text_for_jsonb(error)}") from error
        return {
            "message_id": envelope.message_id,
            "accepted": len(envelope.recipients) - len(refused),
            "refused": _shown(refused),
            "response": text_for_jsonb(response)[:500],
        }

    async def _send(self, envelope: Envelope) -> tuple[dict[str, tuple[int, str]], str]:
        security = self.config.security
        answers, response = await aiosmtplib.send(
            envelope.message,
            sender=envelope.sender,
            recipients=envelope.recipients,
            hostname=self.config.host,
            port=self.config.port,
            username=self.config.user,
            password=self.config.password,
            use_tls=security == "tls",
            start_tls=None if security == "auto" else security == "starttls",
            # `auto` would also have sent in the clear: an unknown certificate is no worse.
            validate_certs=security in ("starttls", "tls"),
            timeout=self.config.timeout,
        )
        refused = {who: (code, text) for who, (code, text) in answers.items()}
        return refused, response


def _shown(answers: dict[str, tuple[int, str]]) -> dict[str, str]:
    return {who: f"{code} {text_for_jsonb(text)}"[:500] for who, (code, text) in answers.items()}
