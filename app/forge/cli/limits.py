"""`forge queues limits`: show and set."""

from __future__ import annotations

from typing import Any

import click

from forge.cli.seconds import seconds
from forge.cli.show import json_option, print_json, print_table, with_forge
from forge.models import LimitsRow

COLUMNS = ("queue", "running", "rate", "key running", "key rate", "key order")


@click.command()
@click.argument("queue", required=False)
@click.option("--max-running", type=int, help="Jobs of the queue that run at once.")
@click.option("--rate", type=int, help="Jobs of the queue that start in each --per.")
@click.option("--per", type=float, help="Seconds; 1 where there is no rate yet.")
@click.option("--key-max-running", type=int, help="Jobs of each key that run at once.")
@click.option("--key-rate", type=int, help="Jobs of each key that start in each --key-per.")
@click.option("--key-per", type=float, help="Seconds; 1 where there is no rate yet.")
@click.option("--key-fifo/--no-key-fifo", default=None, help="Jobs of a key one by one, in order.")
@click.option("--unset", multiple=True, help="A limit to take away, as key_rate.")
@json_option
def limits(
    queue: str | None,
    per: float | None,
    key_per: float | None,
    unset: tuple[str, ...],
    as_json: bool,
    **settings: Any,
) -> None:
    """Set the limits of a queue; without options, show those there are."""
    changes = {
        **settings,
        "per": seconds("--per", per),
        "key_per": seconds("--key-per", key_per),
        "unset": unset,
    }
    if not any(value not in (None, ()) for value in changes.values()):
        rows = with_forge(lambda forge: forge.list_limits(queue))
    elif queue is None:
        raise click.UsageError("name the queue to limit")
    else:
        name = queue
        rows = [with_forge(lambda forge: forge.set_limits(name, **changes))]
    if as_json:
        print_json(rows)
    else:
        _show(rows)


def _show(rows: list[LimitsRow]) -> None:
    def most(taken: int | None, places: int | None) -> str | None:
        return None if places is None else f"{places}" if taken is None else f"{taken} of {places}"

    def rate(jobs: int | None, per: Any) -> str | None:
        return None if jobs is None else f"{jobs} in {per.total_seconds():g} s"

    print_table(
        COLUMNS,
        [
            (
                row.queue,
                most(row.running, row.max_running),
                rate(row.rate, row.per),
                most(None, row.key_max_running),
                rate(row.key_rate, row.key_per),
                "one by one" if row.key_fifo else None,
            )
            for row in rows
        ],
    )
