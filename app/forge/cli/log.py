"""`forge log`: what a job says while it runs."""

from __future__ import annotations

import asyncio
from typing import Final

import click
import msgspec
from rich.console import Console
from rich.text import Text

from forge.cli.show import console, json_option, plain, with_forge
from forge.client import Forge
from forge.errors import JobNotFound
from forge.models import LogLine

LOOK: Final = 0.5  # seconds between looks at a job that runs
PAGE: Final = 1000
ENDS: Final = ("COMPLETED", "DEAD", "CANCELLED")
STYLES: Final = {"debug": "dim", "warning": "yellow", "error": "red"}


@click.command()
@click.argument("id", type=int)
@click.option("--follow", "-f", is_flag=True, help="Go on until the job has ended.")
@click.option("--after", default=0, help="Only lines after the one with this id.")
@json_option
def log(id: int, follow: bool, after: int, as_json: bool) -> None:
    """Show what a job has said in its log; with --json one line of JSON each."""

    out = console()

    async def work(forge: Forge) -> None:
        last = after
        while True:
            # In this order: what it says before it ends is not missed.
            job = await forge.job(id)
            while lines := await forge.job_log(id, after=last, max_rows=PAGE):
                for line in lines:
                    _show(out, line, as_json=as_json)
                last = lines[-1].id
            if job is None and last == after:
                raise JobNotFound("no job has this id", f"id={id}", "`forge jobs` lists them")
            if not follow or job is None or job.status in ENDS:
                return
            await asyncio.sleep(LOOK)

    with_forge(work)


def _show(out: Console, line: LogLine, *, as_json: bool) -> None:
    if as_json:
        click.echo(msgspec.json.encode(line).decode())
        return
    text = f"{line.at.isoformat(timespec='milliseconds')} {line.level:7} {plain(line.message)}"
    if line.data is not None:
        text += f" {plain(msgspec.json.encode(line.data, enc_hook=str).decode())}"
    out.print(Text(text, style=STYLES.get(line.level, "")), soft_wrap=True)
