"""`forge index-payloads`: the indexes on payloads that are wanted, built beside running work."""

from __future__ import annotations

import click

from forge import db
from forge.cli.show import json_option, print_json, with_forge
from forge.client import Forge

TABLES = ("jobs", "history", "dead_jobs")


@click.command()
@click.argument("tables", nargs=-1, type=click.Choice(TABLES))
@click.option("--none", "nowhere", is_flag=True, help="Drop the indexes of all tables.")
@click.option("--dry-run", is_flag=True, help="Only print the statements.")
@json_option
def index_payloads(tables: tuple[str, ...], nowhere: bool, dry_run: bool, as_json: bool) -> None:
    """Index the payloads in TABLES (history and dead_jobs), and drop the index of the others.

    Needs a login that owns the tables. What is built holds up nobody.
    """
    if nowhere and tables:
        raise click.UsageError("name tables, or pass --none")
    wanted = [] if nowhere else list(tables) or None

    async def work(forge: Forge) -> list[str]:
        done: list[str] = []
        while statements := await forge.index_payloads(wanted):
            for statement in statements:
                if not as_json:
                    click.echo(statement + ";")
                if not dry_run:
                    async with forge.connection() as conn:
                        await db.maintain(conn, statement)
            done += statements
            if dry_run:
                break
        return done

    done = with_forge(work)
    if as_json:
        print_json(done)
    elif not done:
        click.echo("nothing to do")
