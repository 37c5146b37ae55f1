"""The whole demo: servers on loopback, a login for reports, and the producer."""

from __future__ import annotations

import asyncio
import base64
import logging
import os
import secrets
from collections.abc import AsyncIterator, MutableMapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple

from forge.client import Forge
from forge.demo.jobs import demo_jobs
from forge.demo.producer import produce
from forge.demo.receiver import Receiver
from forge.demo.reporter import report_login
from forge.demo.sink import Sink
from forge.handlers.config import ENV

_log = logging.getLogger(__name__)
_LOOPBACK = "127.0.0.1"


class Backdrop(NamedTuple):
    """What the jobs meet. `env` is for the workers, in place of the handlers' own settings."""

    env: dict[str, str]
    receiver_url: str
    sink: Sink
    receiver: Receiver


@asynccontextmanager
async def backdrop(dsn: str, reports: Path, *, seed: int = 1) -> AsyncIterator[Backdrop]:
    """Mail sink and webhook receiver on free ports, and a login for reports in `reports`."""
    secret = "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()
    sink, receiver = Sink(), Receiver(secret, seed)
    smtp = await asyncio.start_server(sink.serve, _LOOPBACK, 0)
    http = await asyncio.start_server(receiver.serve, _LOOPBACK, 0)
    async with smtp, http, report_login(dsn) as login:
        # An empty value counts as unset: nothing of the operator's real servers stays in there.
        env = dict.fromkeys(ENV, "") | {
            "FORGE_SMTP_HOST": _LOOPBACK,
            "FORGE_SMTP_PORT": str(_port(smtp)),
            "FORGE_SMTP_SECURITY": "none",
            "FORGE_WEBHOOK_SECRET": secret,
            "FORGE_WEBHOOK_ALLOW_PRIVATE": _LOOPBACK,
        }
        if login is not None:
            env |= {"FORGE_REPORT_DIR": str(reports), "FORGE_REPORT_URL": login}
        yield Backdrop(env, f"http://{_LOOPBACK}:{_port(http)}", sink, receiver)


async def run_demo(
    forge: Forge,
    stop: asyncio.Event,
    rate: float = 4.0,
    *,
    reports: Path | None = None,
    limit: int = 2000,
    seed: int = 1,
    environment: MutableMapping[str, str] = os.environ,
) -> None:
    """The demo until `stop`. Its settings go into `environment` before the first job does.

    For workers that start in this process, or from it, once `environment` is set; where they must
    start in between, use `backdrop` and `produce`.
    """
    directory = reports or forge.settings.home / "demo-reports"
    async with backdrop(forge.dsn, directory, seed=seed) as scene:
        environment.update(scene.env)
        _log.info("the demo sends mails and webhooks to loopback; reports are in %s", directory)
        await produce(forge, demo_jobs(seed, scene.receiver_url), stop, rate=rate, limit=limit)


def _port(server: asyncio.Server) -> int:
    port: int = server.sockets[0].getsockname()[1]
    return port
