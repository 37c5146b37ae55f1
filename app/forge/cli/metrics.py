"""`forge metrics`: the numbers in the text format of Prometheus."""

from __future__ import annotations

import click

from forge.cli.show import with_forge


@click.command()
def metrics() -> None:
    """Print the numbers of all queues in the text format of Prometheus."""
    for line in with_forge(lambda forge: forge.prometheus()):
        click.echo(line)
