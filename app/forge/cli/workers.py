"""`forge workers`: list, show, drain, resume."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import click

from forge.cli import EXIT_FAILED
from forge.cli.show import ListingGroup, json_option, plain, print_json, print_table, with_forge
from forge.client import Forge
from forge.models import JobView, WorkerRow

LOOK = 0.5  # seconds between two looks at a worker that drains
COLUMNS = (
    "worker",
    "queues",
    "types",
    "jobs",
    "places",
    "alive",
    "draining",
    "heartbeat",
    "version",
)
JOB_COLUMNS = ("job", "queue", "type", "attempt", "since", "progress", "note")


@click.group(cls=ListingGroup)
def workers() -> None:
    """List workers, show one, have it claim no more; without a command, list them."""


@workers.command("list")
@json_option
def list_workers(as_json: bool) -> None:
    """List the registered workers."""
    rows = with_forge(lambda forge: forge.list_workers())
    if as_json:
        print_json(rows)
    else:
        _show(rows)


@workers.command()
@click.argument("worker")
@click.option("--limit", default=50, show_default=True, help="How many of its jobs.")
@json_option
def show(worker: str, limit: int, as_json: bool) -> int:
    """Show a worker and the jobs it has in hand."""

    async def work(forge: Forge) -> tuple[WorkerRow | None, list[JobView]]:
        return await _find(forge, worker), await forge.worker_jobs(worker, max_rows=limit)

    row, jobs = with_forge(work)
    if row is None:
        return _unknown(worker)
    if as_json:
        print_json({"worker": row, "jobs": jobs})
    else:
        _show([row])
        print_table(
            JOB_COLUMNS,
            [
                (
                    str(job.id),
                    job.queue,
                    job.type,
                    job.attempts,
                    job.attempted_at,
                    job.progress,
                    job.progress_note,
                )
                for job in jobs
            ],
        )
    return 0


@workers.command()
@click.argument("worker")
@click.option("--wait", is_flag=True, help="Until it has no job in hand.")
@json_option
def drain(worker: str, wait: bool, as_json: bool) -> int:
    """Have a worker claim no more; it finishes the jobs it has, and waits."""

    async def work(forge: Forge) -> WorkerRow | None:
        row = await forge.drain_worker(worker)
        while wait and row is not None and row.processing:
            await asyncio.sleep(LOOK)
            row = await _find(forge, worker)
        return row

    return _one(work, worker, as_json=as_json)


@workers.command()
@click.argument("worker")
@json_option
def resume(worker: str, as_json: bool) -> int:
    """Let a worker that drains claim again."""
    return _one(lambda forge: forge.resume_worker(worker), worker, as_json=as_json)


def _one(
    work: Callable[[Forge], Awaitable[WorkerRow | None]], worker: str, *, as_json: bool
) -> int:
    row = with_forge(work)
    if row is None:
        return _unknown(worker)
    if as_json:
        print_json(row)
    else:
        _show([row])
    return 0


async def _find(forge: Forge, worker: str) -> WorkerRow | None:
    return next((row for row in await forge.list_workers() if row.worker == worker), None)


def _unknown(worker: str) -> int:
    click.echo(f"error: no worker is registered as {plain(worker)}", err=True)
    click.echo("  hint: `forge workers` lists them", err=True)
    return EXIT_FAILED


def _show(rows: list[WorkerRow]) -> None:
    print_table(
        COLUMNS,
        [
            (
                row.worker,
                row.queues,
                "all" if row.types is None else row.types,
                row.processing,
                row.concurrency,
                row.alive,
                row.draining_at,
                row.heartbeat_at,
                row.version,
            )
            for row in rows
        ],
    )
