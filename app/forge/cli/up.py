"""`forge up`: everything, on this machine."""

from __future__ import annotations

import asyncio
import dataclasses
import logging
import signal

import click

from forge.settings import Settings

WELCOME = """
Forge is up.
  dashboard   {address}
  API         {address}/docs
  database    {dsn}

Add a job, in another shell:
  curl -X POST {address}/jobs -H "Content-Type: application/json" -d '{{"type":"email"}}'
  psql "{dsn}" -c "select forge.enqueue('email')"
Ctrl-C stops everything; the jobs stay."""


@click.command()
@click.option("--port", type=click.IntRange(1, 65535), help="The API's port; default PORT, 8080.")
@click.option("--workers", default=1, show_default=True, type=click.IntRange(0, 64))
@click.option("--demo", is_flag=True, help="Fill the queues, so that there is something to see.")
@click.option("--rate", default=4.0, show_default=True, help="The demo's jobs a second.")
def up(port: int | None, workers: int, demo: bool, rate: float) -> None:
    """Start PostgreSQL, the API, the dashboard and workers, until SIGTERM or Ctrl-C.

    PostgreSQL is the embedded one, with its data under FORGE_HOME, unless DATABASE_URL names
    another. The workers run the built-in handlers: email, webhook and report.
    """
    from forge.up import Plan, run

    settings = Settings.from_env()
    if not 0 < rate <= 1000:
        raise click.BadParameter("use more than 0, at most 1000", param_hint="--rate")
    logging.basicConfig(
        level=settings.log_level.upper(), format="%(asctime)s %(levelname)s %(message)s"
    )
    for chatty in ("httpx", "yoyo"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    port = port or settings.port or Settings().port
    plan = Plan(
        settings=dataclasses.replace(settings, port=port),
        port=port,
        workers=workers,
        demo=demo,
        rate=rate,
    )

    async def main() -> None:
        stop = asyncio.Event()
        for signum in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(signum, stop.set)
        await run(
            plan, stop, lambda address, dsn: click.echo(WELCOME.format(address=address, dsn=dsn))
        )

    try:
        asyncio.run(main())
    except BaseExceptionGroup as group:
        # The parts end together; the first error says why.
        raise group.exceptions[0] from None
