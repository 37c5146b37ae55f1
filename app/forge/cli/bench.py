"""`forge bench`: how fast this database is with Forge."""

from __future__ import annotations

import asyncio
import signal
from contextlib import suppress

import click

from forge.bench.run import Report
from forge.cli.show import (
    Seconds,
    json_option,
    print_json,
    print_table,
    progress_bar,
    with_forge,
)
from forge.client import Forge

COLUMNS = ("measured", "jobs", "seconds", "jobs/s", "p50 ms", "p99 ms", "backlog")


@click.command()
@click.option(
    "--jobs",
    default=10_000,
    show_default=True,
    type=click.IntRange(1, 1_000_000),
    help="Most jobs a measurement.",
)
@click.option(
    "--seconds",
    default=5.0,
    show_default=True,
    type=Seconds(0.1, 600),
    help="Most seconds a measurement.",
)
@json_option
def bench(jobs: int, seconds: float, as_json: bool) -> None:
    """Measure enqueuing, claiming, completing, a worker, its pick-up latency, a claim beside a
    backlog, and what a transaction that stays open does to the pace.

    It works in queues of its own, forge-bench-…, and removes them at the end with their jobs.
    On a database in use it competes with the work that goes on there.
    """
    report = with_forge(lambda forge: _bench(forge, jobs, seconds))
    if as_json:
        print_json(report)
    else:
        _show(report)


async def _bench(forge: Forge, jobs: int, seconds: float) -> Report:
    from forge.bench.run import bench as measure

    # As an interrupt does, SIGTERM ends the measuring and not the cleaning up.
    task = asyncio.current_task()
    if task is not None:
        with suppress(NotImplementedError):  # Windows has none
            asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    with progress_bar() as bar:
        bars: dict[str, int] = {}

        def progress(name: str, done: int, total: int) -> None:
            for other in bars.values():
                bar.update(other, visible=False)  # type: ignore[arg-type]
            if name not in bars:
                bars[name] = bar.add_task(name, total=total or None)
            bar.update(bars[name], advance=done, visible=True)  # type: ignore[arg-type]

        try:
            return await measure(forge, jobs=jobs, seconds=seconds, progress=progress)
        except asyncio.CancelledError:
            raise click.Abort from None


def _show(report: Report) -> None:
    print_table(
        COLUMNS,
        [
            (
                row.name,
                row.jobs,
                row.seconds,
                row.per_second,
                row.p50_ms,
                row.p99_ms,
                row.backlog,
            )
            for row in report.measurements
        ],
    )
    server = report.server
    settings = ", ".join(f"{name} {value}" for name, value in server.settings.items())
    click.echo(f"PostgreSQL {server.version}: {settings}")
    click.echo(f"Forge {server.forge}, Python {server.python}, {server.cpus} CPUs")
