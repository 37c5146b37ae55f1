"""`forge migrate`: the database to what this release's files say, or back."""

from __future__ import annotations

import json

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from forge import migrate as migrations
from forge.embedded import resolve_dsn
from forge.sessions import to_migrate
from forge.settings import Settings


@click.command()
@click.option("--rollback", is_flag=True, help="Take the last migration back, with all functions.")
@click.option("--all", "everything", is_flag=True, help="With --rollback: take all of them back.")
@click.option("--yes", is_flag=True, help="Do not ask before a rollback.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def migrate(rollback: bool, everything: bool, yes: bool, as_json: bool) -> None:
    """Bring the database to this release: tables forward, functions whole.

    Safe to run at any time and by several at once. A rollback drops tables, and the jobs in them.
    """
    if everything and not rollback:
        raise click.UsageError("--all belongs to --rollback")
    settings = Settings.from_env()
    dsn = to_migrate(settings, resolve_dsn(settings))
    if rollback and not yes:
        what = "every migration: ALL jobs are lost" if everything else "the last migration"
        click.confirm(f"Roll back {what}?", abort=True, err=True)
    with _bar() as bar:
        task = bar.add_task("migrating", total=None)

        def progress(step: str, done: int, total: int) -> None:
            bar.update(task, description=step, completed=done, total=total)

        if rollback:
            report = migrations.rollback(dsn, everything=everything, progress=progress)
        else:
            report = migrations.migrate(dsn, progress=progress)
    if as_json:
        click.echo(json.dumps({"migrations": report.migrations, "dropped": report.dropped}))
        return
    verb = "rolled back" if rollback else "applied"
    for name in report.migrations:
        click.echo(f"{verb} {name}")
    if rollback:
        if report.migrations:
            click.echo("the functions are gone until the next `forge migrate`")
        else:
            click.echo("nothing to roll back")
        return
    for name in report.dropped:
        click.echo(f"dropped {name}, which no file defines")
    click.echo(f"up to date: {report.procedures} files of functions loaded")


def _bar() -> Progress:
    return Progress(
        TextColumn("{task.description:20}"),
        BarColumn(),
        MofNCompleteColumn(),
        console=Console(stderr=True),
        transient=True,
    )
