"""`forge queues`: list, pause, resume, set, limits, drop."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import click

from forge.cli.limits import limits
from forge.cli.seconds import seconds
from forge.cli.show import (
    ListingGroup,
    json_option,
    plain,
    print_json,
    print_table,
    progress_bar,
    with_forge,
)
from forge.client import Forge
from forge.models import QueueRow

DROP_BATCH = 5000
DROP_PAUSE = 0.01  # seconds; somebody may be holding a job, or tick
COLUMNS = (
    "queue",
    "paused",
    "retry base",
    "factor",
    "cap",
    "jitter",
    "max retries",
    "keeps history",
    "why paused",
)


@click.group(cls=ListingGroup)
def queues() -> None:
    """List, pause, resume, set, limit and drop queues; without a command, list them."""


queues.add_command(limits)


@queues.command("list")
@json_option
def list_queues(as_json: bool) -> None:
    """List the queues that have settings or were seen; – inherits the default."""
    rows = with_forge(lambda forge: forge.list_queues())
    if as_json:
        print_json(rows)
    else:
        _show(rows)


def _one(work: Callable[[Forge], Awaitable[QueueRow]], *, as_json: bool) -> None:
    row = with_forge(work)
    if as_json:
        print_json(row)
    else:
        _show([row])


@queues.command()
@click.argument("queue")
@click.option("--reason", help="Shown until it is resumed.")
@json_option
def pause(queue: str, reason: str | None, as_json: bool) -> None:
    """Stop the claims from a queue; jobs that run go on."""
    _one(lambda forge: forge.pause(queue, reason=reason), as_json=as_json)


@queues.command()
@click.argument("queue")
@json_option
def resume(queue: str, as_json: bool) -> None:
    """Let a paused queue go on."""
    _one(lambda forge: forge.resume(queue), as_json=as_json)


@queues.command("set")
@click.argument("queue")
@click.option("--retry-base", type=float, help="Seconds before the first retry.")
@click.option("--retry-factor", type=float, help="What each delay is multiplied by.")
@click.option("--retry-cap", type=float, help="Seconds that a delay has at most.")
@click.option("--retry-jitter", type=float, help="The share that is added at random, 0 to 1.")
@click.option("--max-retries", type=int)
@click.option("--keep-history/--no-history", default=None, help="Keep finished jobs.")
@click.option("--keep-result/--no-result", default=None, help="Keep their results with them.")
@click.option(
    "--unset", multiple=True, help="A setting that goes back to the default, as retry_cap."
)
@json_option
def set_queue(
    queue: str,
    retry_base: float | None,
    retry_cap: float | None,
    unset: tuple[str, ...],
    as_json: bool,
    **settings: Any,
) -> None:
    """Change the settings of a queue; they hold for its live jobs too."""
    _one(
        lambda forge: forge.set_queue(
            queue,
            retry_base=seconds("--retry-base", retry_base),
            retry_cap=seconds("--retry-cap", retry_cap),
            unset=unset,
            **settings,
        ),
        as_json=as_json,
    )


@queues.command()
@click.argument("queue")
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option
def drop(queue: str, yes: bool, as_json: bool) -> None:
    """Remove a queue for good, with its jobs, their history, its settings and its numbers.

    Pause it and stop its workers first: what is enqueued meanwhile makes it a queue again.
    """
    if not yes:
        click.confirm(f"Remove all jobs of {plain(queue)} for good?", abort=True, err=True)

    async def work(forge: Forge) -> None:
        with progress_bar() as bar:
            bar.add_task("removing", total=None)
            while True:
                if await forge.drop_queue(queue, max_jobs=DROP_BATCH):
                    return
                await asyncio.sleep(DROP_PAUSE)

    with_forge(work)
    if as_json:
        print_json({"queue": queue, "dropped": True})
    else:
        click.echo(f"{plain(queue)} is gone")


def _show(rows: list[QueueRow]) -> None:
    print_table(
        COLUMNS,
        [
            (
                row.queue,
                row.paused_at,
                row.retry_base,
                row.retry_factor,
                row.retry_cap,
                row.retry_jitter,
                row.max_retries,
                row.keep_history,
                row.pause_reason,
            )
            for row in rows
        ],
    )
