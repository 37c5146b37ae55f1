"""`forge stats` prints the numbers of the queues once; `forge top` goes on."""

from __future__ import annotations

import asyncio
import sys

import click
from rich.console import Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from forge.cli.show import Seconds, json_option, plain, print_json, print_table, with_forge
from forge.client import Forge
from forge.models import StatsRow, WorkerRow

CAP = 10_000  # up to which forge.stats counts; see its manual
COLUMNS = (
    "queue",
    "ready",
    "scheduled",
    "processing",
    "dead",
    "completed",
    "failed",
    "cancelled",
    "oldest",
    "paused",
)

CREW_COLUMNS = ("worker", "queues", "jobs", "alive", "heartbeat")


def _cells(row: StatsRow) -> tuple[object, ...]:
    live = (row.ready, row.scheduled, row.processing, row.dead)
    return (
        row.queue,
        *(f"{count:,}+" if count >= CAP else count for count in live),
        row.completed,
        row.failed,
        row.cancelled,
        row.oldest_ready_at,
        row.paused,
    )


def _crew_cells(worker: WorkerRow) -> tuple[object, ...]:
    return (worker.worker, worker.queues, worker.processing, worker.alive, worker.heartbeat_at)


@click.command()
@click.argument("queue", required=False)
@json_option
def stats(queue: str | None, as_json: bool) -> None:
    """Show the numbers of each queue: live ones, and what happened since the installation."""
    rows = with_forge(lambda forge: forge.stats(queue))
    if as_json:
        print_json(rows)
    else:
        print_table(COLUMNS, [_cells(row) for row in rows])


@click.command()
@click.option("--once", is_flag=True, help="Show it once; so it is where stdout is no terminal.")
@click.option(
    "--every",
    default=1.0,
    show_default=True,
    type=Seconds(0.1, 3600),
    help="Seconds between two looks.",
)
@json_option
def top(once: bool, every: float, as_json: bool) -> None:
    """Watch queues and workers live, until Ctrl-C."""
    live = not (once or as_json) and sys.stdout.isatty()

    async def work(forge: Forge) -> None:
        if not live:
            rows, workers = await _look(forge)
            if as_json:
                print_json({"queues": rows, "workers": workers})
            else:
                print_table(COLUMNS, [_cells(row) for row in rows])
                print_table(CREW_COLUMNS, [_crew_cells(worker) for worker in workers])
            return
        with Live(screen=True, auto_refresh=False) as screen:
            while True:
                screen.update(_picture(*await _look(forge)), refresh=True)
                await asyncio.sleep(every)

    with_forge(work)


async def _look(forge: Forge) -> tuple[list[StatsRow], list[WorkerRow]]:
    return await forge.stats(), await forge.list_workers()


def _picture(rows: list[StatsRow], workers: list[WorkerRow]) -> Group:
    queues = Table(*COLUMNS, title="Queues", title_justify="left")
    for row in rows:
        queues.add_row(*(Text(plain(cell)) for cell in _cells(row)))
    crew = Table(*CREW_COLUMNS, title="Workers", title_justify="left")
    for worker in workers:
        crew.add_row(*(Text(plain(cell)) for cell in _crew_cells(worker)))
    return Group(queues, crew, Text("Ctrl-C ends", style="dim"))
