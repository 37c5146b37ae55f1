"""`forge parents`, `forge children`: what a job depends on, and what on it; `forge conditions`."""

from __future__ import annotations

import click
import msgspec

from forge.cli.show import json_option, plain, print_json, print_table, with_forge


@click.command()
@click.argument("id", type=int)
@click.option("--after", type=int, help="Only ids above this one: the last of the page before.")
@click.option("--limit", "max_rows", default=50, show_default=True)
@json_option
def parents(id: int, after: int | None, max_rows: int, as_json: bool) -> None:
    """List the jobs that a job depends on, with what came of them."""
    rows = with_forge(lambda forge: forge.parents(id, after=after, max_rows=max_rows))
    if as_json:
        print_json(rows)
        return
    print_table(
        ("id", "status", "type", "result", "error"),
        [
            (
                str(row.id),
                row.status,
                row.type,
                plain(msgspec.json.encode(row.result, enc_hook=str).decode()),
                row.error,
            )
            for row in rows
        ],
    )


@click.command()
@click.argument("id", type=int)
@click.option("--after", type=int, help="Only ids above this one: the last of the page before.")
@click.option("--limit", "max_rows", default=50, show_default=True)
@json_option
def children(id: int, after: int | None, max_rows: int, as_json: bool) -> None:
    """List the jobs that depend on a job, or did."""
    rows = with_forge(lambda forge: forge.children(id, after=after, max_rows=max_rows))
    if as_json:
        print_json(rows)
        return
    print_table(
        ("id", "status", "type", "queue", "error"),
        [(str(row.id), row.status, row.type, row.queue, row.error) for row in rows],
    )


@click.command()
@click.option("--after", type=int, help="Only ids above this one: the last of the page before.")
@click.option("--limit", "max_rows", default=50, show_default=True)
@json_option
def conditions(after: int | None, max_rows: int, as_json: bool) -> None:
    """List the SQL conditions that jobs wait for."""
    rows = with_forge(lambda forge: forge.list_conditions(after=after, max_rows=max_rows))
    if as_json:
        print_json(rows)
        return
    print_table(
        ("id", "condition", "asker", "looked at", "next look", "deadline", "error"),
        [
            (
                str(row.id),
                row.condition,
                row.asker,
                row.looked_at,
                row.due_at,
                row.deadline,
                row.error,
            )
            for row in rows
        ],
    )
