"""`forge edit` changes a live job, or many by a filter; `forge cancel` and `forge retry`, many."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

import click
import msgspec

from forge.cli.jobs import show_job
from forge.cli.seconds import seconds
from forge.cli.show import TIME, json_option, print_json, with_forge
from forge.client import Forge
from forge.errors import InvalidArgument
from forge.models import Edited

FILTERS = (
    click.option("--queue", help="Only jobs of this queue."),
    click.option("--type", help="Only jobs of this type."),
    click.option("--tag", help="Only jobs with this tag."),
    click.option("--status", help="Only jobs of this status, of those that can be changed so."),
    click.option("--payload-contains", metavar="JSON", help="Only jobs whose payload contains it."),
    click.option("--created-after", type=TIME, help="2026-12-24T18:00:00+01:00, or later"),
    click.option("--created-before", type=TIME),
    click.option("--scheduled-before", type=TIME),
    click.option("--dry-run", is_flag=True, help="Only count them."),
)

Filtering = Callable[..., Any]


def _filters(function: Filtering) -> Filtering:
    for option in reversed(FILTERS):
        function = option(function)
    return function


@click.command()
@click.argument("id", type=int, required=False)
@_filters
@click.option("--priority", type=int)
@click.option("--at", type=TIME, help="Not before this time; now at the earliest.")
@click.option("--to-queue", help="Move to another queue.")
@click.option("--max-retries", type=int)
@click.option("--timeout", type=float, help="Seconds that one attempt may take.")
@click.option("--payload", metavar="JSON", help="Instead of the one that job ID has.")
@click.option("--merge-payload", metavar="JSON", help="Merged into the payloads of many.")
@click.option("--unset", multiple=True, help="What goes back to the default, as max_retries.")
@json_option
def edit(
    id: int | None,
    priority: int | None,
    at: datetime | None,
    to_queue: str | None,
    max_retries: int | None,
    timeout: float | None,
    payload: str | None,
    merge_payload: str | None,
    unset: tuple[str, ...],
    dry_run: bool,
    as_json: bool,
    **filters: Any,
) -> None:
    """Change the live job ID, or without one all that wait and match.

    What is changed of a job that runs takes effect with its next attempt.
    """
    chosen = {name: value for name, value in filters.items() if value is not None}
    limit = seconds("--timeout", timeout)
    if id is not None:
        if chosen or dry_run or merge_payload is not None:
            raise click.UsageError("an ID, or a filter and --merge-payload, not both")
        row = with_forge(
            lambda forge: forge.edit(
                id,
                payload=_json("--payload", payload),
                priority=priority,
                scheduled_at=at,
                to_queue=to_queue,
                max_retries=max_retries,
                timeout=limit,
                unset=unset,
            )
        )
        print_json(row) if as_json else show_job(row)
        return
    if not chosen:
        raise click.UsageError("name an ID, or at least one filter")
    if payload is not None:
        raise click.UsageError("--payload needs an ID; for many there is --merge-payload")
    changes = {
        "to_priority": priority,
        "to_scheduled_at": at,
        "to_queue": to_queue,
        "to_max_retries": max_retries,
        "to_timeout": limit,
        "merge_payload": _json("--merge-payload", merge_payload),
        "unset": unset,
    }
    _in_batches(Forge.edit_jobs, "changed", as_json, dry_run, chosen, **changes)


@click.command()
@_filters
@json_option
def cancel(dry_run: bool, as_json: bool, **filters: Any) -> None:
    """Cancel all live jobs that match; those that run are asked to stop. One: `forge job`."""
    chosen = {name: value for name, value in filters.items() if value is not None}
    if not chosen:
        raise click.UsageError("name at least one filter")
    _in_batches(Forge.cancel_jobs, "cancelled", as_json, dry_run, chosen)


@click.command()
@_filters
@json_option
def retry(dry_run: bool, as_json: bool, **filters: Any) -> None:
    """Run all PENDING jobs that match now; or with --status CANCELLED, again. One: `forge job`.

    Dead ones: `forge dlq retry`.
    """
    chosen = {name: value for name, value in filters.items() if value is not None}
    if not chosen:
        raise click.UsageError("name at least one filter")
    _in_batches(Forge.retry_jobs, "due", as_json, dry_run, chosen)


def _json(option: str, text: str | None) -> Any:
    try:
        return None if text is None else msgspec.json.decode(text)
    except msgspec.MsgspecError as error:
        raise InvalidArgument(f"{option} is not JSON", str(error)) from error


def _in_batches(
    call: Callable[..., Awaitable[Edited]],
    verb: str,
    as_json: bool,
    dry_run: bool,
    filters: dict[str, Any],
    **changes: Any,
) -> None:
    """One batch after the other, each committed by itself."""
    if "payload_contains" in filters:
        filters["payload_contains"] = _json("--payload-contains", filters["payload_contains"])

    async def work(forge: Forge) -> Edited:
        total = Edited(matched=0, changed=0, skipped=0, last_id=0, more=True)
        while total.more:
            done = await call(forge, after=total.last_id, dry_run=dry_run, **filters, **changes)
            total = Edited(
                matched=total.matched + done.matched,
                changed=total.changed + done.changed,
                skipped=total.skipped + done.skipped,
                last_id=done.last_id,
                more=done.more,
            )
        return total

    total = with_forge(work)
    if as_json:
        print_json(total)
    elif dry_run:
        click.echo(f"{total.matched:,} jobs match")
    else:
        click.echo(f"{total.changed:,} jobs {verb}, {total.skipped:,} skipped")
