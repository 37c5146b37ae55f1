"""Sends a webhook to a server on loopback."""

from __future__ import annotations

import ipaddress
from typing import Any

from forge.handlers.config import WebhookConfig
from forge.handlers.webhook import WebhookHandler
from forge.models import Job

from .http_server import HttpServer

LOOPBACK = (ipaddress.ip_network("127.0.0.0/8"),)


async def send(job: Job, **config: Any) -> dict[str, Any]:
    return await WebhookHandler(WebhookConfig(**{"allowed": LOOPBACK} | config))(job)


def payload_for(server: HttpServer, **more: Any) -> dict[str, Any]:
    return {"url": f"http://127.0.0.1:{server.port}/hook?token=s3cret"} | more
