"""Signatures as the Standard Webhooks specification says (standardwebhooks.com)."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac

from forge.errors import PermanentError

_PREFIX = "whsec_"


def parse_secrets(text: str) -> tuple[bytes, ...]:
    """The keys in one or more space separated `whsec_…` secrets."""
    return tuple(_parse(secret) for secret in text.split())


def _parse(secret: str) -> bytes:
    # No message here repeats the secret: it would end in logs and in the job's errors.
    if not secret.startswith(_PREFIX):
        raise PermanentError("a webhook secret must start with whsec_")
    encoded = secret.removeprefix(_PREFIX).rstrip("=")
    try:
        key = base64.b64decode(encoded + "=" * (-len(encoded) % 4), validate=True)
    except binascii.Error:
        raise PermanentError("a webhook secret must be base64 after whsec_") from None
    if not 24 <= len(key) <= 64:  # the specification's bounds
        raise PermanentError("a webhook secret must hold 24 to 64 bytes")
    return key


def signature(secrets: tuple[bytes, ...], message_id: str, timestamp: int, body: bytes) -> str:
    """The value of `webhook-signature`: one signature per secret, for rotation without a gap."""
    signed = f"{message_id}.{timestamp}.".encode() + body
    return " ".join(
        "v1," + base64.b64encode(hmac.new(secret, signed, hashlib.sha256).digest()).decode()
        for secret in secrets
    )
