"""`forge sql`: the installation as one file."""

from __future__ import annotations

from typing import IO

import click

from forge.script import render_sql


@click.command()
@click.option(
    "-o",
    "--output",
    type=click.File("w", encoding="utf-8", lazy=True),
    default="-",
    help="Write to this file instead of standard output.",
)
def sql(output: IO[str]) -> None:
    """Print everything that `forge migrate` would install, for psql alone.

    \b
    forge sql > forge.sql
    psql --file=forge.sql
    """
    output.write(render_sql())
