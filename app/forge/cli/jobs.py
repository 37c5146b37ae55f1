"""`forge jobs` lists jobs; `forge job` shows one, or changes it."""

from __future__ import annotations

from typing import Any

import click
import msgspec
from rich.text import Text

from forge.cli.show import (
    TIME,
    Document,
    ago,
    console,
    json_option,
    plain,
    print_json,
    print_table,
    show_count,
    tell_end,
    with_forge,
)
from forge.client import Forge
from forge.errors import JobNotFound
from forge.models import Change, FoundPage, JobView

COLUMNS = ("id", "status", "type", "queue", "priority", "attempts", "created", "due", "worker")


@click.command()
@click.option("--queue")
@click.option("--type")
@click.option("--status", help="WAITING, PENDING, PROCESSING, COMPLETED, DEAD or CANCELLED.")
@click.option("--tag")
@click.option("--created-after", type=TIME, help="2026-12-24T18:00:00+01:00, or later")
@click.option("--created-before", type=TIME)
@click.option(
    "--payload", "payload_contains", type=Document(), help="Only if the payload contains this JSON."
)
@click.option("--count", is_flag=True, help="Only say how many there are, up to 10,000.")
@click.option("--before", type=int, help="Only ids below this one: the last of the page before.")
@click.option("--limit", "max_rows", default=50, show_default=True)
@json_option
def jobs(count: bool, before: int | None, max_rows: int, as_json: bool, **filters: Any) -> None:
    """List jobs, newest first: live, finished and dead."""
    if count:
        show_count(with_forge(lambda forge: forge.count_jobs(**filters)), as_json)
        return

    async def work(forge: Forge) -> tuple[FoundPage, list[JobView]]:
        page = await forge.search_jobs(before=before, max_rows=max_rows, **filters)
        return page, await forge.list_jobs(ids=page.ids, max_rows=max_rows)

    page, rows = with_forge(work)
    show_jobs(rows, as_json=as_json)
    tell_end(page)


def show_jobs(rows: list[JobView], *, as_json: bool) -> None:
    if as_json:
        print_json(rows)
        return
    print_table(
        COLUMNS,
        [
            (
                str(row.id),
                row.status,
                row.type,
                row.queue,
                row.priority,
                f"{row.attempts}/{row.max_retries + 1}",
                row.created_at,
                row.scheduled_at,
                row.worker,
            )
            for row in rows
        ],
    )


@click.command()
@click.argument("id", type=int)
@click.option(
    "--cancel", "action", flag_value="cancel", help="Cancel it; one that runs is asked to stop."
)
@click.option("--retry", "action", flag_value="retry", help="Run it now, or again.")
@click.option(
    "--discard", "action", flag_value="discard", help="Take it out of the dead-letter queue."
)
@json_option
def job(id: int, action: str | None, as_json: bool) -> None:
    """Show one job with its payload, result and failed attempts, or change it."""
    if action is not None:
        change = with_forge(lambda forge: _change(forge, action, id))
        if as_json:
            print_json(change)
        else:
            show_changes([change])
        return
    row = with_forge(lambda forge: forge.job(id))
    if row is None:
        raise JobNotFound("no job has this id", f"id={id}", "`forge jobs` lists them")
    if as_json:
        print_json(row)
    else:
        show_job(row)


@click.command()
@click.argument("id", type=int)
@json_option
def explain(id: int, as_json: bool) -> None:
    """Say why a job does not run, or what it does."""
    reasons = with_forge(lambda forge: forge.explain(id))
    if as_json:
        print_json(reasons)
        return
    for reason in reasons:
        click.echo(f"{reason.code}: {plain(reason.sentence)}")


async def _change(forge: Forge, action: str, id: int) -> Change:
    calls = {"cancel": forge.cancel, "retry": forge.retry, "discard": forge.discard}
    return await calls[action](id)


def show_changes(changes: list[Change]) -> None:
    """What became of each job."""
    for change in changes:
        click.echo(f"{change.id}: {change.from_status} -> {change.to_status}")


def show_job(row: JobView) -> None:
    out = console()
    for name in row.__struct_fields__:
        value = getattr(row, name)
        if value is None or name == "errors":
            continue
        # Whole numbers as they are: an id goes into the next command.
        shown = str(value) if type(value) is int else plain(value)
        if name in ("payload", "result"):
            shown = plain(msgspec.json.encode(value, enc_hook=str).decode())
        if name.endswith("_at"):
            shown = f"{value.isoformat(timespec='milliseconds')} ({ago(value)})"
        out.print(Text(f"{name.replace('_', ' '):20}", style="dim"), Text(shown), end="\n")
    for error in row.errors:
        kind = plain(error.get("error_type", "error"))
        out.print(
            Text(f"\nattempt {plain(error.get('attempt'))}, {error.get('failed_at')}", style="bold")
        )
        out.print(Text(f"  {kind}: {plain(error.get('error', ''))}", style="red"))
