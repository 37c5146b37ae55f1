"""`forge api`: the HTTP API and the dashboard."""

from __future__ import annotations

import asyncio
import logging
import signal
from contextlib import suppress

import click

from forge.api import access_log, serve
from forge.embedded import resolve_dsn
from forge.settings import Settings


@click.command()
@click.option("--host", help="The address to bind to; default FORGE_HOST, 127.0.0.1.")
@click.option("--port", type=click.IntRange(0, 65535), help="The port; default PORT, 8080.")
def api(host: str | None, port: int | None) -> None:
    """Serve the HTTP API and the dashboard until SIGTERM or SIGINT.

    It starts without a database, too: /health/ready tells when there is one. Bound to anything but
    loopback it needs tokens: of `forge token create`, or of FORGE_TOKENS=role:token,role:token.
    A line of JSON for each request goes to stderr, at FORGE_LOG_LEVEL=info.
    """
    settings = Settings.from_env()
    logging.basicConfig(
        level=settings.log_level.upper(), format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    access_log.configure(settings.log_level)
    try:
        asyncio.run(_serve(settings, resolve_dsn(settings), host, port))
    except OSError as error:
        raise click.ClickException(
            f"cannot listen on {host or settings.host}:{settings.port if port is None else port}: "
            f"{error.strerror or error}; choose another --port"
        ) from error


async def _serve(settings: Settings, dsn: str, host: str | None, port: int | None) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for signum in (signal.SIGINT, signal.SIGTERM):
        with suppress(NotImplementedError):  # Windows has none; Ctrl+C works there
            loop.add_signal_handler(signum, stop.set)
    await serve(
        settings,
        dsn,
        host=host,
        port=port,
        stop=stop,
        ready=lambda url: click.echo(f"Forge answers on {url}"),
    )
