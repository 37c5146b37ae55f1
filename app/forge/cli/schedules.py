"""`forge schedules`: list, set, remove, pause, resume, run, next."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

import click

from forge.cli.enqueue import document, read
from forge.cli.seconds import seconds
from forge.cli.show import (
    ListingGroup,
    Seconds,
    json_option,
    plain,
    print_json,
    print_table,
    with_forge,
)
from forge.client import Forge
from forge.models import ScheduleRow

PAGE = 1000
COLUMNS = (
    *("name", "cron", "time zone", "type", "queue", "next", "last", "catch up", "overlap"),
    *("paused", "last error"),
)
MOMENT = click.DateTime(["%Y-%m-%dT%H:%M:%S%z"])


@click.group(cls=ListingGroup)
def schedules() -> None:
    """List, set, remove, pause, resume and run schedules; without a command, list them."""


@schedules.command("list")
@json_option
def list_schedules(as_json: bool) -> None:
    """List the schedules, by name."""

    async def work(forge: Forge) -> list[ScheduleRow]:
        rows: list[ScheduleRow] = []
        while True:
            after = rows[-1].name if rows else None
            page = await forge.list_schedules(after=after, max_rows=PAGE)
            rows += page
            if len(page) < PAGE:
                return rows

    rows = with_forge(work)
    if as_json:
        print_json(rows)
    else:
        _show(rows)


@schedules.command("set")
@click.argument("name")
@click.argument("cron")
@click.argument("type")
@click.argument("payload", default="{}")
@click.option("--time-zone", help="Such as Europe/Berlin; default UTC.")
@click.option("--queue")
@click.option("--priority", type=int, help="Higher first; default 0.")
@click.option("--max-retries", type=int)
@click.option("--tag", "tags", multiple=True)
@click.option("--concurrency-key")
@click.option("--timeout", type=Seconds(), help="Seconds that an attempt may take.")
@click.option(
    "--catch-up", type=click.Choice(["skip", "one", "all"]), help="Missed runs; default one."
)
@click.option("--catch-up-limit", type=int, help="How many with --catch-up all; default 10.")
@click.option("--grace", type=Seconds(), help="Seconds late with --catch-up skip; default 60.")
@click.option(
    "--overlap",
    type=click.Choice(["allow", "skip", "queue"]),
    help="While an earlier run is live; default allow.",
)
@click.option("--starts-at", type=MOMENT, help="2026-12-24T18:00:00+01:00; default now.")
@json_option
def set_schedule(
    name: str,
    cron: str,
    type: str,
    payload: str,
    tags: tuple[str, ...],
    timeout: float | None,
    grace: float | None,
    starts_at: datetime | None,
    as_json: bool,
    **options: Any,
) -> None:
    """Make a schedule, or replace all that it was set to.

    CRON has five fields ("30 4 * * mon-fri"), is @hourly, @daily, @weekly, @monthly or @yearly,
    or an interval ("every 15 minutes"). PAYLOAD is JSON, - for stdin, or @FILE.
    """
    parsed = document(read(payload))
    _one(
        lambda forge: forge.schedule(
            name,
            cron,
            type,
            parsed,
            tags=tags or None,
            timeout=seconds("--timeout", timeout),
            grace=seconds("--grace", grace),
            starts_at=starts_at,
            **options,
        ),
        as_json=as_json,
    )


@schedules.command()
@click.argument("name")
@json_option
def remove(name: str, as_json: bool) -> None:
    """Remove a schedule; its jobs stay."""
    row = with_forge(lambda forge: forge.unschedule(name))
    if as_json:
        print_json(row)
    else:
        click.echo(f"{plain(name)} is gone")


@schedules.command()
@click.argument("name")
@json_option
def pause(name: str, as_json: bool) -> None:
    """Stop a schedule; what comes due until it is resumed is not made up for."""
    _one(lambda forge: forge.pause_schedule(name), as_json=as_json)


@schedules.command()
@click.argument("name")
@json_option
def resume(name: str, as_json: bool) -> None:
    """Let a paused schedule go on."""
    _one(lambda forge: forge.resume_schedule(name), as_json=as_json)


@schedules.command()
@click.argument("name")
@json_option
def run(name: str, as_json: bool) -> None:
    """Enqueue the job of a schedule now, also while it is paused; prints its id."""
    job_id = with_forge(lambda forge: forge.run_schedule(name))
    if as_json:
        print_json({"id": job_id})
    else:
        click.echo(job_id)


@schedules.command("next")
@click.argument("name", required=False)
@click.option("--cron", help="An expression, instead of a schedule.")
@click.option("--time-zone", help="Of the expression; default UTC.")
@click.option("--count", type=int, help="1 to 100; default 5.")
@json_option
def next_runs(
    name: str | None, cron: str | None, time_zone: str | None, count: int | None, as_json: bool
) -> None:
    """Tell when a schedule, or an expression, comes next."""
    if (name is None) == (cron is None):
        raise click.UsageError("name a schedule, or pass --cron")
    runs = with_forge(lambda forge: forge.next_runs(cron, count, time_zone=time_zone, name=name))
    if as_json:
        print_json(runs)
    else:
        for at in runs:
            click.echo(f"{at.isoformat()}  {plain(at)}")


def _one(work: Callable[[Forge], Awaitable[ScheduleRow]], *, as_json: bool) -> None:
    row = with_forge(work)
    if as_json:
        print_json(row)
    else:
        _show([row])


def _show(rows: list[ScheduleRow]) -> None:
    print_table(
        COLUMNS,
        [
            (
                row.name,
                row.cron,
                row.time_zone,
                row.type,
                row.queue,
                row.next_at,
                row.last_at,
                row.catch_up,
                row.overlap,
                row.paused_at,
                row.last_error,
            )
            for row in rows
        ],
    )
