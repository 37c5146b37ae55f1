"""Turns an `email` payload into a message and its envelope; refuses what could inject a header."""

from __future__ import annotations

import re
from dataclasses import dataclass
from email import policy
from email.errors import (
    HeaderParseError,
    MessageError,
    NonASCIILocalPartDefect,
    ObsoleteHeaderDefect,
)
from email.message import EmailMessage
from email.parser import BytesHeaderParser
from email.utils import localtime

from msgspec import field

from forge.errors import PermanentError
from forge.handlers.payload import Payload

Addresses = str | list[str]

MAX_RECIPIENTS = 100

# Control characters, and those that Python's email package takes for the end of a line.
_LINE_BREAKERS = re.compile("[\x00-\x1f\x7f\x80-\x9f\u2028\u2029]")
# A name such as `J. Doe` without quotes; a name beyond ASCII (which the server may well take).
_HARMLESS = (ObsoleteHeaderDefect, NonASCIILocalPartDefect)
_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,76}")
_OWN_HEADERS = re.compile(
    r"from|to|cc|bcc|reply-to|subject|date|message-id|sender|return-path|received|mime-version"
    r"|content-.*|resent-.*",
    re.IGNORECASE,
)


class EmailPayload(Payload, frozen=True):
    """`to`, `cc`, `bcc`, `reply_to`: `a@b.c`, `Name <a@b.c>`, several with commas, or a list."""

    to: Addresses
    subject: str = ""
    text: str | None = None
    body: str | None = None  # another name for `text`
    html: str | None = None
    sender: str | None = field(name="from", default=None)
    cc: Addresses | None = None
    bcc: Addresses | None = None
    reply_to: Addresses | None = None
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Envelope:
    """A message, and who it really goes to."""

    message: EmailMessage
    message_id: str
    sender: str
    recipients: list[str]

    @property
    def needs_utf8(self) -> bool:
        return not "".join([self.sender, *self.recipients]).isascii()


def compose(payload: EmailPayload, default_sender: str, unique: str) -> Envelope:
    """`unique` goes into the Message-ID, so that a mail sent twice can be seen to be one."""
    if payload.text is not None and payload.body is not None:
        raise PermanentError("bad payload: give `text` or `body`, they are the same")
    try:
        return _compose(payload, default_sender, unique)
    except (MessageError, ValueError, LookupError, AttributeError) as error:
        # The email package raises all of these for headers that it cannot make sense of.
        raise PermanentError(f"bad payload: no mail can be made of it: {error}") from error


def _compose(payload: EmailPayload, default_sender: str, unique: str) -> Envelope:
    message = EmailMessage(policy=policy.SMTP)
    senders = _address_header(message, "From", payload.sender or default_sender)
    if len(senders) != 1:
        raise PermanentError("bad payload: `from` must be one address")
    recipients = _address_header(message, "To", payload.to)
    if payload.cc:
        recipients += _address_header(message, "Cc", payload.cc)
    if payload.bcc:  # parsed like the others, in the envelope only
        recipients += _address_header(EmailMessage(policy=policy.SMTP), "Bcc", payload.bcc)
    recipients = list(dict.fromkeys(recipients))
    if len(recipients) > MAX_RECIPIENTS:
        raise PermanentError(f"bad payload: over {MAX_RECIPIENTS} recipients")
    if payload.reply_to:
        _address_header(message, "Reply-To", payload.reply_to)
    _header(message, "Subject", payload.subject)
    for name, value in payload.headers.items():
        if not _HEADER_NAME.fullmatch(name):
            raise PermanentError(f"bad payload: {name!r} is no name of a header")
        if _OWN_HEADERS.fullmatch(name) or name in message:
            raise PermanentError(f"bad payload: header {name!r} is set by Forge, or set twice")
        _header(message, name, value)
    message["Date"] = localtime()
    domain = senders[0].rpartition("@")[2].encode("idna").decode()
    message_id = f"<forge.{unique}@{domain}>"
    message["Message-ID"] = message_id
    text = payload.text if payload.text is not None else payload.body
    if text is not None or payload.html is None:
        message.set_content(text or "")
    if payload.html is not None:
        if text is None:
            message.set_content(payload.html, subtype="html")
        else:
            message.add_alternative(payload.html, subtype="html")
    _assert_no_header_was_added(message)
    return Envelope(
        message=message, message_id=message_id, sender=senders[0], recipients=recipients
    )


def _header(message: EmailMessage, name: str, value: str) -> None:
    if _LINE_BREAKERS.search(value):
        raise PermanentError(f"bad payload: {name!r} holds a line break or a control character")
    message[name] = value
    # Encoded words (=?utf-8?q?=0A?=) are decoded by now, and can smuggle a line break in.
    if _LINE_BREAKERS.search(str(message[name])):
        raise PermanentError(f"bad payload: {name!r} hides a line break or a control character")


def _address_header(message: EmailMessage, name: str, value: Addresses) -> list[str]:
    _header(message, name, value if isinstance(value, str) else ", ".join(value))
    header = message[name]
    found = [address.addr_spec for address in header.addresses]
    usable = all(a.username and a.domain for a in header.addresses)
    wrong = [d for d in header.defects if not isinstance(d, _HARMLESS)]
    if not found or not usable or wrong:
        raise PermanentError(f"bad payload: `{name.lower()}` is no e-mail address: {value!r}")
    return found


def _assert_no_header_was_added(message: EmailMessage) -> None:
    """The last line of defence: what a server will read has the headers that we set, no other."""
    written = BytesHeaderParser(policy=policy.compat32).parsebytes(message.as_bytes())
    if [n.lower() for n, _ in written.items()] != [n.lower() for n, _ in message.items()]:
        raise HeaderParseError("a header would break into two")
