"""`forge up`: everything, in one process tree."""

from __future__ import annotations

import asyncio
import json
import logging
import socket
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import click

from forge.cli.worker import parse_queues
from forge.settings import Settings

if TYPE_CHECKING:
    from forge.up.database import Server

DEMO_QUEUES = {"default": 5, "emails": 5, "webhooks": 5, "reports": 2}


@click.command()
@click.option("--demo", is_flag=True, help="Fill the queues, so that there is something to see.")
@click.option("--host", help="The address to bind to; default FORGE_HOST, 127.0.0.1.")
@click.option("--port", type=click.IntRange(0, 65535), help="The port; default PORT, 8080.")
@click.option(
    "--workers", type=click.IntRange(0, 64), default=1, show_default=True, help="Processes."
)
@click.option(
    "--queue",
    "queues",
    multiple=True,
    callback=parse_queues,
    metavar="NAME[=N]",
    help="A queue to pull from and how many of its jobs each worker runs at once (5). Repeatable. "
    "Default: the queue `default`, and those of the demo.",
)
@click.option(
    "--grace", default=30.0, show_default=True, help="Seconds that running jobs get at the end."
)
@click.option(
    "--rate",
    type=click.FloatRange(0.1, 1000),
    default=4.0,
    show_default=True,
    help="Jobs a second of the demo.",
)
@click.option("--json", "as_json", is_flag=True, help="Say where it runs as one JSON document.")
def up(
    demo: bool,
    host: str | None,
    port: int | None,
    workers: int,
    queues: dict[str, int],
    grace: float,
    rate: float,
    as_json: bool,
) -> int:
    """Start PostgreSQL, the API, the dashboard and workers for email, webhook and report jobs.

    The database is DATABASE_URL, or else a PostgreSQL that comes along, with its data under
    FORGE_HOME. SIGTERM or Ctrl-C: workers let running jobs finish, then the API stops, then
    PostgreSQL. A process that dies is started again; one that keeps dying ends everything.
    """
    from forge.up import welcome
    from forge.up.plan import Plan
    from forge.up.tree import Tree

    began = time.monotonic()
    settings = Settings.from_env()
    settings = replace(
        settings,
        host=settings.host if host is None else host,
        port=settings.port if port is None else port,
    )
    logging.basicConfig(
        level=settings.log_level.upper(), format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    logging.getLogger("yoyo").setLevel(logging.WARNING)  # it tells of every statement
    plan = Plan(
        settings=settings,
        queues=queues or (DEMO_QUEUES if demo else {"default": 5}),
        workers=workers,
        grace=grace,
        demo=demo,
        rate=rate,
    )

    def greet(server: Server, listener: socket.socket) -> None:
        if as_json:
            click.echo(json.dumps(welcome.facts(server, listener)))
        else:
            seconds = time.monotonic() - began
            click.echo(welcome.text(server, listener, seconds=seconds, demo=demo))

    def say(what: str) -> None:
        click.echo(f"forge: {what} …", err=True)

    return asyncio.run(Tree(plan, greet).run(say))
