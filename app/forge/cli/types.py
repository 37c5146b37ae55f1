"""`forge types`: list, set."""

from __future__ import annotations

from typing import Any

import click

from forge.cli.seconds import seconds
from forge.cli.show import ListingGroup, json_option, print_json, print_table, with_forge
from forge.models import KnownType, TypeRow

COLUMNS = (
    "type",
    "queue",
    "workers",
    "max retries",
    "retry base",
    "factor",
    "cap",
    "jitter",
    "timeout",
    "checked",
    "seen",
)
SET_COLUMNS = ("type", "max retries", "retry base", "factor", "cap", "jitter", "timeout")


@click.group(cls=ListingGroup)
def types() -> None:
    """List types and change how their jobs retry; without a command, list them."""


@types.command("list")
@click.option("--after", help="Only types after this one.")
@click.option("--limit", default=100, show_default=True, help="How many, 500 at most.")
@json_option
def list_types(after: str | None, limit: int, as_json: bool) -> None:
    """List the types that are known; – inherits from the queue."""
    rows = with_forge(lambda forge: forge.list_types(after=after, max_rows=limit))
    if as_json:
        print_json(rows)
    else:
        print_table(
            COLUMNS,
            [
                (
                    row.type,
                    row.queue,
                    row.workers,
                    *_settings(row),
                    row.schema is not None or row.function_name is not None,
                    row.seen_at,
                )
                for row in rows
            ],
        )


@types.command("set")
@click.argument("type")
@click.option("--retry-base", type=float, help="Seconds before the first retry.")
@click.option("--retry-factor", type=float, help="What each delay is multiplied by.")
@click.option("--retry-cap", type=float, help="Seconds that a delay has at most.")
@click.option("--retry-jitter", type=float, help="The share that is added at random, 0 to 1.")
@click.option("--max-retries", type=int)
@click.option("--timeout", type=float, help="Seconds that one attempt may take.")
@click.option("--unset", multiple=True, help="A setting that goes back to the queue's.")
@json_option
def set_type(
    type: str,
    retry_base: float | None,
    retry_cap: float | None,
    timeout: float | None,
    unset: tuple[str, ...],
    as_json: bool,
    **settings: Any,
) -> None:
    """Change the settings of a type; they hold for its live jobs too."""
    durations: dict[str, Any] = {
        "retry_base": seconds("--retry-base", retry_base),
        "retry_cap": seconds("--retry-cap", retry_cap),
        "timeout": seconds("--timeout", timeout),
    }
    row = with_forge(lambda forge: forge.set_type(type, **durations, **settings, unset=unset))
    if as_json:
        print_json(row)
    else:
        print_table(SET_COLUMNS, [(row.type, *_settings(row))])


def _settings(row: KnownType | TypeRow) -> tuple[object, ...]:
    return (
        row.max_retries,
        row.retry_base,
        row.retry_factor,
        row.retry_cap,
        row.retry_jitter,
        row.timeout,
    )
