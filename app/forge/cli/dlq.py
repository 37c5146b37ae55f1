"""`forge dlq`: the dead-letter queue."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import click

from forge.cli import EXIT_FAILED, print_error
from forge.cli.jobs import show_changes
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
from forge.errors import InvalidArgument, JobNotFound, WrongStatus
from forge.models import Change

BATCH = 500

queue_option = click.option("--queue", help="Only this queue.")
type_option = click.option("--type", help="Only this type.")
error_option = click.option(
    "--error", "error_contains", help="Only where the last error has this in it."
)


@click.group(cls=ListingGroup)
def dlq() -> None:
    """List, retry and discard dead jobs; without a command, list them."""


@dlq.command("list")
@queue_option
@type_option
@error_option
@click.option("--before", type=int, help="Only ids below this one: the last of the page before.")
@click.option("--limit", "max_rows", default=50, show_default=True)
@json_option
def list_dead(as_json: bool, **filters: Any) -> None:
    """List dead jobs, newest first, with their last error."""
    rows = with_forge(lambda forge: forge.list_dead(**filters))
    if as_json:
        print_json(rows)
        return
    print_table(
        ("id", "type", "queue", "attempts", "died", "last error"),
        [
            (
                str(row.id),
                row.type,
                row.queue,
                row.attempts,
                row.finished_at,
                plain(row.errors[-1].get("error") if row.errors else None)[:120],
            )
            for row in rows
        ],
    )


@dlq.command()
@click.argument("ids", type=int, nargs=-1)
@click.option("--all", "everything", is_flag=True, help="All that match the filters, in batches.")
@queue_option
@type_option
@error_option
@json_option
def retry(ids: tuple[int, ...], everything: bool, as_json: bool, **filters: Any) -> int:
    """Bring dead jobs back with fresh retries: by id, or --all that match."""
    if bool(ids) == everything:
        raise click.UsageError("name ids, or pass --all")
    if ids and any(value is not None for value in filters.values()):
        raise click.UsageError("filters belong to --all")

    if ids:
        return _each(ids, Forge.retry, as_json=as_json)

    async def work(forge: Forge) -> list[Change]:
        changes: list[Change] = []
        with progress_bar() as bar:
            task = bar.add_task("retrying", total=None)
            while True:
                batch = await forge.retry_dead(**filters, max_jobs=BATCH)
                changes += batch
                bar.advance(task, len(batch))
                if len(batch) < BATCH:
                    return changes

    changes = with_forge(work)
    if as_json:
        print_json(changes)
    else:
        click.echo(f"{len(changes):,} jobs are back")
    return 0


@dlq.command()
@click.argument("ids", type=int, nargs=-1, required=True)
@json_option
def discard(ids: tuple[int, ...], as_json: bool) -> int:
    """Take jobs out of the dead-letter queue for good; the history keeps them for its retention."""
    return _each(ids, Forge.discard, as_json=as_json)


def _each(
    ids: tuple[int, ...], change: Callable[[Forge, int], Awaitable[Change]], *, as_json: bool
) -> int:
    """Changes one job after the other; one that is refused is told of and stops none."""

    async def work(forge: Forge) -> list[Change]:
        changes: list[Change] = []
        for id in ids:
            try:
                changes.append(await change(forge, id))
            except (InvalidArgument, JobNotFound, WrongStatus) as error:
                print_error(error)
        return changes

    changes = with_forge(work)
    if as_json:
        print_json(changes)
    else:
        show_changes(changes)
    return 0 if len(changes) == len(ids) else EXIT_FAILED
