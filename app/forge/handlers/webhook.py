"""`webhook`: sends one signed HTTP request, as the Standard Webhooks specification says.

The payload's URL is hostile until proven otherwise: its name is resolved here, the addresses are
checked (`addresses.py`), and the connection goes to a checked address, while Host and TLS keep the
name. Redirects are not followed, proxies from the environment are not used.
"""

from __future__ import annotations

import asyncio
import time
from datetime import timedelta
from typing import Any

import httpx

from forge.errors import PermanentError, RetryLater
from forge.handlers.config import WebhookConfig
from forge.handlers.payload import read, stable_id, text_for_jsonb
from forge.handlers.resolve import Resolver, system_resolver, usable_addresses
from forge.handlers.retry_after import retry_after
from forge.handlers.signing import parse_secrets, signature
from forge.handlers.webhook_request import Call, WebhookPayload, build
from forge.models import Job

STORED_BODY = 2048  # bytes of the answer that the result keeps; no more than that is read
_MAX_ADDRESSES = 4  # that are tried in turn, for a name that has many


class WebhookFailed(Exception):
    """This attempt failed; another may succeed."""


class WebhookHandler:
    """Payload: see `WebhookPayload`. Result: status, body (first 2 KB), truncated, seconds, id."""

    def __init__(self, config: WebhookConfig, resolver: Resolver = system_resolver) -> None:
        self.config = config
        self.resolver = resolver
        self._tls = httpx.create_ssl_context()  # costs 10 ms: once, not per job

    async def __call__(self, job: Job) -> dict[str, Any]:
        payload = read(job, WebhookPayload)
        call = build(payload)
        secrets = parse_secrets(payload.secret) if payload.secret else self.config.secrets
        message_id = f"job_{stable_id(job)}"
        timestamp = int(time.time())
        call.headers["webhook-id"] = message_id
        call.headers["webhook-timestamp"] = str(timestamp)
        if secrets:
            call.headers["webhook-signature"] = signature(secrets, message_id, timestamp, call.body)
        limit = payload.timeout or self.config.timeout
        started = time.monotonic()
        try:
            async with asyncio.timeout(limit):
                response, body = await self._send(call, limit)
        except TimeoutError:
            raise WebhookFailed(f"{call.shown} took over {limit:g} s") from None
        except (httpx.InvalidURL, httpx.UnsupportedProtocol, httpx.LocalProtocolError) as error:
            raise PermanentError(f"bad payload: {error}") from None
        except httpx.TransportError as error:
            reason = str(error) or type(error).__name__
            raise WebhookFailed(f"{call.shown}: {text_for_jsonb(reason)}") from None
        self._judge(call, response, body)
        return {
            "status": response.status_code,
            "body": text_for_jsonb(body[:STORED_BODY]),
            "truncated": len(body) > STORED_BODY,
            "seconds": round(time.monotonic() - started, 3),
            "id": message_id,
            "signed": bool(secrets),
        }

    async def _send(self, call: Call, limit: float) -> tuple[httpx.Response, bytes]:
        addresses = await usable_addresses(self.resolver, call.host, call.port, self.config.allowed)
        timeout = httpx.Timeout(limit, connect=min(limit, self.config.connect_timeout))
        # One transport per job, as httpcore pools by address: a kept connection would carry
        # another name's certificate. No client: it would log the URL, which may hold a token.
        async with httpx.AsyncHTTPTransport(verify=self._tls, trust_env=False) as transport:
            failure: httpx.TransportError | None = None
            for address in addresses[:_MAX_ADDRESSES]:
                request = httpx.Request(
                    call.method,
                    call.url.copy_with(host=str(address)),
                    headers=call.headers,
                    content=call.body,
                    extensions={"sni_hostname": call.host, "timeout": timeout.as_dict()},
                )
                try:
                    response = await transport.handle_async_request(request)
                except (httpx.ConnectError, httpx.ConnectTimeout) as error:
                    failure = error
                    continue
                try:
                    return response, await _beginning(response)
                finally:
                    await response.aclose()
            raise failure or httpx.ConnectError("the name has no address")

    def _judge(self, call: Call, response: httpx.Response, body: bytes) -> None:
        """Returns for a 2xx, else raises what the status means for the job."""
        status = response.status_code
        if 200 <= status < 300:
            return
        answer = text_for_jsonb(body[:200]).strip()
        message = f"{call.shown} answered {status} {response.reason_phrase}".rstrip()
        if 300 <= status < 400:
            target = text_for_jsonb(response.headers.get("location", "nowhere"))[:500]
            raise PermanentError(f"{message}: redirects are not followed (to {target})")
        if answer:
            message = f"{message}: {answer}"
        if status < 500 and status not in (408, 429):
            raise PermanentError(message)
        wait = retry_after(response.headers.get("retry-after"), time.time())
        if wait is not None:
            capped = min(wait, self.config.retry_after_max)
            raise RetryLater(message, timedelta(seconds=capped))
        raise WebhookFailed(message)


async def _beginning(response: httpx.Response) -> bytes:
    """As much of the body as is stored and a byte more; raw, so that nothing can unpack to a GB."""
    body = b""
    async for chunk in response.aiter_raw():
        body += chunk
        if len(body) > STORED_BODY:
            break
    return body
