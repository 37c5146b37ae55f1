"""`forge admission` and `forge schema`: what queues and types take in."""

from __future__ import annotations

from typing import Any

import click
import msgspec

from forge.cli.enqueue import read
from forge.cli.seconds import seconds
from forge.cli.show import json_option, plain, print_json, print_table, with_forge
from forge.errors import InvalidArgument

COLUMNS = ("queue", "max depth", "depth", "on full", "defer for")


@click.command()
@click.argument("queue", required=False)
@click.option("--max-depth", type=int, help="How many PENDING jobs it has at most.")
@click.option("--on-full", help="What happens to others: reject, defer or drop_oldest.")
@click.option("--defer-for", type=float, help="Seconds that deferred jobs are put off.")
@click.option("--remove", is_flag=True, help="Take in any number again.")
@json_option
def admission(
    queue: str | None,
    max_depth: int | None,
    on_full: str | None,
    defer_for: float | None,
    remove: bool,
    as_json: bool,
) -> None:
    """List how many jobs queues take in, or set it for QUEUE."""
    if queue is None:
        rows = with_forge(lambda forge: forge.list_admissions())
    else:
        row = with_forge(
            lambda forge: forge.set_admission(
                queue,
                max_depth=max_depth,
                on_full=on_full,
                defer_for=seconds("--defer-for", defer_for),
                unset=["max_depth"] if remove else [],
            )
        )
        rows = [row]
    if as_json:
        print_json(rows)
        return
    print_table(
        COLUMNS, [(row.queue, row.max_depth, row.depth, row.on_full, row.defer_for) for row in rows]
    )


@click.command()
@click.argument("type", required=False)
@click.argument("document", required=False)
@click.option("--remove", is_flag=True, help="Let payloads of the type be anything again.")
@json_option
def schema(type: str | None, document: str | None, remove: bool, as_json: bool) -> None:
    """List what payloads must keep to, or hold those of TYPE to a JSON Schema.

    DOCUMENT is the schema, - for stdin, or @FILE.
    """
    if type is None or not (document or remove):
        rows = with_forge(lambda forge: forge.list_payload_checks())
        rows = [row for row in rows if type in (None, row.type)]
    elif document and remove:
        raise click.UsageError("a DOCUMENT, or --remove, not both")
    else:
        wanted = None if document is None else _parse(document)
        row = with_forge(lambda forge: forge.set_schema(type, wanted))
        rows = [row]
    if as_json:
        print_json(rows)
        return
    for row in rows:
        click.echo(
            f"{plain(row.type)}: {_shown(row.schema)} {plain(row.function_name or '')}".rstrip()
        )


def _parse(document: str) -> Any:
    try:
        return msgspec.json.decode(read(document))
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidArgument("the schema is not JSON", str(error)) from error


def _shown(document: Any) -> str:
    return "–" if document is None else plain(msgspec.json.encode(document).decode())
