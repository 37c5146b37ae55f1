"""`forge stats` prints the numbers of the queues once; `forge top` goes on."""

from __future__ import annotations

import asyncio
import sys
from datetime import timedelta
from typing import Any

import click
from msgspec import structs
from rich.console import Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from forge.cli.show import Seconds, json_option, plain, print_json, print_table, with_forge
from forge.client import Forge
from forge.models import LatencyRow, StatsRow, WorkerRow

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
RECENT = timedelta(minutes=5)
LATENCY_COLUMNS = (
    "queue",
    "jobs in 5 min",
    "wait p50",
    "p95",
    "p99",
    "run p50",
    "p95",
    "p99",
)

CREW_COLUMNS = ("worker", "queues", "jobs", "alive", "heartbeat")


def _cells(row: StatsRow) -> tuple[object, ...]:
    live = (row.ready, row.scheduled, row.processing, row.dead)
    return (
        row.queue,
        *(f"{count:,}+" if count >= row.counted_to else count for count in live),
        row.completed,
        row.failed,
        row.cancelled,
        row.oldest_ready_at,
        row.paused,
    )


def _duration(value: timedelta | None) -> str | None:
    """Milliseconds or seconds, with two or three digits that mean something."""
    if value is None:
        return None
    seconds = value.total_seconds()
    return f"{seconds * 1000:.3g} ms" if seconds < 1 else f"{seconds:,.1f} s"


def _in_seconds(row: LatencyRow) -> dict[str, Any]:
    return {
        f"{name}_seconds": value.total_seconds() if value is not None else None
        for name in row.__struct_fields__[3:]
        for value in (getattr(row, name),)
    } | {"jobs": row.jobs}


def _latency_cells(row: LatencyRow) -> tuple[object, ...]:
    waits = (row.wait_p50, row.wait_p95, row.wait_p99)
    runs = (row.run_p50, row.run_p95, row.run_p99)
    return (row.queue, row.jobs, *(_duration(value) for value in (*waits, *runs)))


def _crew_cells(worker: WorkerRow) -> tuple[object, ...]:
    return (worker.worker, worker.queues, worker.processing, worker.alive, worker.heartbeat_at)


@click.command()
@click.argument("queue", required=False)
@json_option
def stats(queue: str | None, as_json: bool) -> None:
    """Show the numbers of each queue: live ones, what happened since the installation, and how
    long jobs waited and ran that were completed in the last five minutes.
    """

    async def work(forge: Forge) -> tuple[list[StatsRow], list[LatencyRow]]:
        rows = await forge.stats(queue)
        # one row for each queue that completed something
        lately = await forge.latency(since=RECENT, bucket=RECENT, by_queue=True)
        return rows, [row for row in lately if queue in (None, row.queue)]

    rows, lately = with_forge(work)
    if as_json:
        latencies = {row.queue: _in_seconds(row) for row in lately}
        print_json([{**structs.asdict(row), "latency": latencies.get(row.queue)} for row in rows])
        return
    print_table(COLUMNS, [_cells(row) for row in rows])
    if lately:
        print_table(LATENCY_COLUMNS, [_latency_cells(row) for row in lately])


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
