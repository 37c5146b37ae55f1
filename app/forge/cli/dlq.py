"""`forge dlq`: the dead-letter queue."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

import click

from forge.cli import EXIT_FAILED, print_error
from forge.cli.jobs import show_changes
from forge.cli.seconds import seconds
from forge.cli.show import (
    TIME,
    Document,
    ListingGroup,
    Seconds,
    json_option,
    plain,
    print_json,
    print_table,
    progress_bar,
    show_count,
    tell_end,
    with_forge,
)
from forge.client import Forge
from forge.errors import InvalidArgument, JobNotFound, WrongStatus
from forge.models import Change, FoundPage, JobView, Revival, Revived

BATCH = 500
MOST = 10_000
SAMPLE = 10

C = TypeVar("C", Change, Revived)
F = TypeVar("F", bound=Callable[..., Any])


OPTIONS = (
    click.option("--queue", help="Only this queue."),
    click.option("--type", help="Only this type."),
    click.option("--error", "error_contains", help="Only where the last error has this in it."),
    click.option("--fingerprint", help="Only this error: `forge dlq groups` shows them."),
    click.option("--tag", help="Only with this tag."),
    click.option("--payload", type=Document(), help="Only where the payload contains this JSON."),
    click.option("--created-after", type=TIME, help="2026-12-24T18:00:00+01:00, or later"),
    click.option("--created-before", type=TIME),
    click.option("--died-before", type=TIME),
)


def filters(options: Sequence[Callable[[F], F]]) -> Callable[[F], F]:
    """The options that say which dead jobs."""

    def add(command: F) -> F:
        for option in reversed(options):
            command = option(command)
        return command

    return add


@click.group(cls=ListingGroup)
def dlq() -> None:
    """List, retry and discard dead jobs; without a command, list them."""


@dlq.command("list")
@filters(OPTIONS)
@click.option("--count", is_flag=True, help="Only say how many there are, up to 10,000.")
@click.option("--before", type=int, help="Only ids below this one: the last of the page before.")
@click.option("--limit", "max_rows", default=50, show_default=True)
@json_option
def list_dead(count: bool, before: int | None, max_rows: int, as_json: bool, **wanted: Any) -> None:
    """List dead jobs, newest first, with their last error."""
    if count:
        show_count(with_forge(lambda forge: forge.count_dead(**wanted)), as_json)
        return

    async def work(forge: Forge) -> tuple[FoundPage, list[JobView]]:
        page = await forge.search_dead(before=before, max_rows=max_rows, **wanted)
        return page, await forge.list_dead(ids=page.ids, max_rows=max_rows)

    page, rows = with_forge(work)
    tell_end(page)
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
@click.option("--queue", help="Only this queue.")
@click.option("--type", help="Only this type.")
@click.option("--limit", "max_rows", default=50, show_default=True)
@json_option
def groups(as_json: bool, **wanted: Any) -> None:
    """List dead jobs by error: how many, since when, and one of them; the latest group first."""
    rows = with_forge(lambda forge: forge.dead_groups(**wanted))
    if as_json:
        print_json(rows)
        return
    print_table(
        ("fingerprint", "jobs", "type", "queue", "first", "last", "sample", "error"),
        [
            (
                row.fingerprint,
                row.jobs,
                row.type,
                row.queue,
                row.first_seen_at,
                row.last_seen_at,
                str(row.sample_id),
                plain(row.title)[:120],
            )
            for row in rows
        ],
    )


@dlq.command()
@click.argument("ids", type=int, nargs=-1)
@click.option("--all", "everything", is_flag=True, help="All that match the filters, in batches.")
@filters(OPTIONS)
@click.option("--rate", type=float, help="Jobs a second; the tick goes on by itself.")
@click.option("--canary", type=int, help="So many first; the rest once these are completed.")
@click.option(
    "--canary-within",
    type=Seconds(1, 604_800),
    help="Seconds that the canary may take; default 600.",
)
@click.option("--dry-run", is_flag=True, help="Change nothing; say what would come back.")
@json_option
def retry(
    ids: tuple[int, ...],
    everything: bool,
    rate: float | None,
    canary: int | None,
    canary_within: float | None,
    dry_run: bool,
    as_json: bool,
    **wanted: Any,
) -> int:
    """Bring dead jobs back with fresh retries: by id, or --all that match.

    With --rate or --canary the first come back now, and the rest by itself: see `forge dlq
    revivals`.
    """
    _check_which(ids, everything, {**wanted, "rate": rate, "canary": canary} | _flag(dry_run))
    if ids:
        return _each(ids, Forge.retry, as_json=as_json)
    if dry_run:
        _show_dry(
            with_forge(lambda f: f.retry_dead(**wanted, max_jobs=MOST, dry_run=True)), as_json
        )
        return 0
    if rate is not None or canary is not None:
        within = seconds("--canary-within", canary_within)
        rows = with_forge(
            lambda f: f.retry_dead(**wanted, rate=rate, canary=canary, canary_within=within)
        )
        if as_json:
            print_json(rows)
        elif rows:
            click.echo(f"{len(rows):,} jobs are back; revival {rows[0].revival} does the rest")
        else:
            click.echo("0 jobs are back")
        return 0

    changes = _in_batches("retrying", lambda f: f.retry_dead(**wanted, max_jobs=BATCH))
    if as_json:
        print_json(changes)
    else:
        click.echo(f"{len(changes):,} jobs are back")
    return 0


@dlq.command()
@click.argument("ids", type=int, nargs=-1)
@click.option("--all", "everything", is_flag=True, help="All that match the filters, in batches.")
@filters(OPTIONS)
@click.option("--dry-run", is_flag=True, help="Change nothing; say what would go.")
@json_option
def discard(
    ids: tuple[int, ...], everything: bool, dry_run: bool, as_json: bool, **wanted: Any
) -> int:
    """Take jobs out of the dead-letter queue for good; the history keeps them for its retention."""
    _check_which(ids, everything, wanted | _flag(dry_run))
    if ids:
        return _each(ids, Forge.discard, as_json=as_json)
    if dry_run:
        _show_dry(
            with_forge(lambda f: f.discard_dead(**wanted, max_jobs=MOST, dry_run=True)), as_json
        )
        return 0
    changes = _in_batches("discarding", lambda f: f.discard_dead(**wanted, max_jobs=BATCH))
    if as_json:
        print_json(changes)
    else:
        click.echo(f"{len(changes):,} jobs are discarded")
    return 0


@dlq.command()
@click.option("--limit", "max_rows", default=50, show_default=True)
@json_option
def revivals(as_json: bool, max_rows: int) -> None:
    """List what `retry --rate` and `retry --canary` have begun, newest first."""
    rows = with_forge(lambda forge: forge.list_revivals(max_rows=max_rows))
    if as_json:
        print_json(rows)
    else:
        _show_revivals(rows)


@dlq.command("cancel-revival")
@click.argument("id", type=int)
@json_option
def cancel_revival(id: int, as_json: bool) -> int:
    """End a revival; the jobs that are not back yet stay dead."""
    row = with_forge(lambda forge: forge.cancel_revival(id))
    if row is None:
        click.echo(f"error: no revival has the id {id}", err=True)
        return EXIT_FAILED
    if as_json:
        print_json(row)
    else:
        _show_revivals([row])
    return 0


def _flag(dry_run: bool) -> dict[str, Any]:
    return {"dry_run": True} if dry_run else {}


def _check_which(ids: tuple[int, ...], everything: bool, filters: dict[str, Any]) -> None:
    if bool(ids) == everything:
        raise click.UsageError("name ids, or pass --all")
    if ids and any(value is not None for value in filters.values()):
        raise click.UsageError("filters belong to --all")


def _in_batches(doing: str, batch: Callable[[Forge], Awaitable[Sequence[C]]]) -> list[C]:
    """Calls until a batch is not full."""

    async def work(forge: Forge) -> list[C]:
        changes: list[C] = []
        with progress_bar() as bar:
            task = bar.add_task(doing, total=None)
            while True:
                done = await batch(forge)
                changes += done
                bar.advance(task, len(done))
                if len(done) < BATCH:
                    return changes

    return with_forge(work)


def _show_dry(changes: Sequence[Change | Revived], as_json: bool) -> None:
    if as_json:
        print_json(changes)
        return
    more = " or more" if len(changes) == MOST else ""
    click.echo(f"{len(changes):,}{more} jobs match; nothing was changed")
    print_table(
        ("id", "type", "queue"), [(str(row.id), row.type, row.queue) for row in changes[:SAMPLE]]
    )


def _show_revivals(rows: Sequence[Revival]) -> None:
    print_table(
        ("id", "status", "revived", "kept", "rate", "began", "by", "reason"),
        [
            (
                str(row.id),
                row.status,
                row.revived,
                row.kept,
                row.rate,
                row.created_at,
                row.created_by,
                row.reason,
            )
            for row in rows
        ],
    )


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
