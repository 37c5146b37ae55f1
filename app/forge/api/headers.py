"""The security headers of every answer, errors included."""

from __future__ import annotations

from litestar.types import Message, Scope

# Payloads and errors are hostile text: no inline script, no foreign source, no frame.
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; font-src 'self'; base-uri 'none'; frame-ancestors 'none'; "
    "form-action 'none'"
)
SECURITY_HEADERS = [
    (b"content-security-policy", CONTENT_SECURITY_POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
]
# Jobs are nobody's to keep, a shared proxy's least of all.
_NO_STORE = (b"cache-control", b"no-store")


async def add_security_headers(message: Message, _: Scope) -> None:
    if message["type"] == "http.response.start":
        headers = [*message["headers"], *SECURITY_HEADERS]
        if not any(name == b"cache-control" for name, _ in headers):
            headers.append(_NO_STORE)
        message["headers"] = headers
