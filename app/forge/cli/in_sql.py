"""`forge run`, `forge sql-handlers`, `forge changes`: jobs that SQL runs, and that it makes."""

from __future__ import annotations

from typing import Any

import click

from forge.cli.seconds import seconds
from forge.cli.show import ListingGroup, json_option, plain, print_json, print_table, with_forge
from forge.models import SqlHandler, TableChange


@click.command()
@click.option("--queue", help="Default: default.")
@click.option("--type", "types", multiple=True, help="Only this type. Repeatable.")
@click.option("--max-jobs", type=int, help="At most so many; default 10.")
@click.option("--time-limit", type=click.FloatRange(0), help="Seconds after which none begins.")
@json_option
def run(
    queue: str | None,
    types: tuple[str, ...],
    max_jobs: int | None,
    time_limit: float | None,
    as_json: bool,
) -> None:
    """Run due jobs whose handler is an SQL function, here and now, in one transaction."""
    rows = with_forge(
        lambda forge: forge.run(
            queue,
            max_jobs=max_jobs,
            types=types or None,
            time_limit=seconds("--time-limit", time_limit),
        )
    )
    if as_json:
        print_json(rows)
    else:
        print_table(
            ("id", "type", "status", "error"),
            [(str(r.id), r.type, r.status, r.error) for r in rows],
        )


@click.group("sql-handlers", cls=ListingGroup)
def sql_handlers() -> None:
    """List, register and unregister SQL functions that run jobs; without a command, list them."""


@sql_handlers.command("list")
@json_option
def list_sql_handlers(as_json: bool) -> None:
    """List the types whose jobs an SQL function runs."""
    rows = with_forge(lambda forge: forge.list_sql_handlers())
    if as_json:
        print_json(rows)
    else:
        _show_handlers(rows)


@sql_handlers.command()
@click.argument("type")
@click.argument("function")
@click.option("--run-as", help="The role whose rights it has. Default: the function's owner.")
@click.option("--timeout", type=float, help="Seconds that one attempt may take.")
@click.option("--queue", help="The only queue whose jobs it runs.")
@json_option
def register(
    type: str, function: str, timeout: float | None, as_json: bool, **options: Any
) -> None:
    """Make FUNCTION, (payload jsonb) returns jsonb, the handler of TYPE."""
    row = with_forge(
        lambda forge: forge.register_sql_handler(
            type, function, timeout=seconds("--timeout", timeout), **options
        )
    )
    if as_json:
        print_json(row)
    else:
        _show_handlers([row])


@sql_handlers.command()
@click.argument("type")
@json_option
def unregister(type: str, as_json: bool) -> None:
    """Take the function off TYPE: its jobs stay until somebody else runs them."""
    found = with_forge(lambda forge: forge.unregister_sql_handler(type))
    if as_json:
        print_json({"type": type, "unregistered": found})
    else:
        click.echo(f"{plain(type)} has no SQL function {'any more' if found else 'anyway'}")


def _show_handlers(rows: list[SqlHandler]) -> None:
    print_table(
        ("type", "function", "runs as", "timeout", "queue", "problem"),
        [(r.type, r.function, r.run_as, r.timeout, r.queue, r.problem) for r in rows],
    )


@click.group(cls=ListingGroup)
def changes() -> None:
    """List, begin and end jobs made of changed rows; without a command, list them."""


@changes.command("list")
@json_option
def list_changes(as_json: bool) -> None:
    """List the tables whose changes make jobs."""
    rows = with_forge(lambda forge: forge.list_changes())
    if as_json:
        print_json(rows)
    else:
        _show_changes(rows)


@changes.command("on")
@click.argument("table")
@click.argument("type")
@click.option("--event", "events", multiple=True, help="insert, update, delete or truncate.")
@click.option("--when", "when_condition", help="An SQL expression over old and new.")
@click.option("--key", help="An SQL expression: the unique_key of the job.")
@click.option("--debounce", type=float, help="Seconds to wait for further changes of the key.")
@click.option("--queue")
@click.option("--priority", type=int)
@click.option("--each", type=click.Choice(["row", "statement"]))
@click.option("--name", help="Default: made from the table and the type.")
@click.option("--without", multiple=True, help="A column that is left out, such as a secret.")
@click.option("--if-changed", multiple=True, help="Updates count if this column has changed.")
@click.option("--on-error", type=click.Choice(["raise", "warn"]))
@json_option
def begin(
    table: str,
    type: str,
    debounce: float | None,
    as_json: bool,
    events: tuple[str, ...],
    without: tuple[str, ...],
    if_changed: tuple[str, ...],
    **options: Any,
) -> None:
    """Make a job of TYPE of each change in TABLE."""
    row = with_forge(
        lambda forge: forge.on_change(
            table,
            type,
            events=events or None,
            without=without or None,
            if_changed=if_changed or None,
            debounce=seconds("--debounce", debounce),
            **options,
        )
    )
    if as_json:
        print_json(row)
    else:
        _show_changes([row])


@changes.command("off")
@click.argument("name", required=False)
@click.option("--table", help="All changes of this table, or its change of that name.")
@json_option
def end(name: str | None, table: str | None, as_json: bool) -> None:
    """Make no more jobs of the changes of a name or table; those there are stay."""
    if name is None and table is None:
        raise click.UsageError("give a NAME, --table or both")
    count = with_forge(lambda forge: forge.off_change(name, relation=table))
    if as_json:
        print_json({"triggers": count})
    else:
        click.echo(f"{count} triggers dropped")


def _show_changes(rows: list[TableChange]) -> None:
    print_table(
        ("name", "table", "events", "each", "type", "queue", "when", "enabled"),
        [
            (r.name, r.relation, r.events, r.each, r.type, r.queue, r.when_condition, r.enabled)
            for r in rows
        ],
    )
