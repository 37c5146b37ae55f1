"""What the commands have in common: a client for the length of a command, and how rows are shown.

With --json a command prints one JSON document to stdout and nothing else; tables and progress are
for people. Payloads and errors are hostile text: control characters never reach the terminal.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar

import click
import msgspec
from rich import box
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table
from rich.text import Text

from forge.client import Forge
from forge.db import connect
from forge.models import BoundedCount, FoundPage

T = TypeVar("T")

json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")


TIME = click.DateTime(["%Y-%m-%dT%H:%M:%S%z"])


class Seconds(click.FloatRange):
    """Seconds within bounds; unlike its base it takes no `nan`, which no bound holds off."""

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        seconds = float(super().convert(value, param, ctx))
        if math.isnan(seconds):
            self.fail("nan is no number of seconds", param, ctx)
        return seconds


class Document(click.ParamType[Any]):
    """JSON, as it is typed."""

    name = "json"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        try:
            return msgspec.json.decode(value)
        except msgspec.DecodeError as error:
            self.fail(f"this is no JSON: {error}", param, ctx)


class ListingGroup(click.Group):
    """A group whose `list` is what it does when no other command of it is named."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        named = bool(args) and (not args[0].startswith("-") or args[0] in ctx.help_option_names)
        return super().parse_args(ctx, args if named else ["list", *args])


def tell_end(page: FoundPage) -> None:
    """Where a search went on for too long, that there may be more, on stderr."""
    if page.searched_to is not None:
        click.echo(
            f"searched back to {page.searched_to.isoformat(timespec='seconds')}; "
            f"go on with --before {page.next}",
            err=True,
        )


def show_count(found: BoundedCount, as_json: bool) -> None:
    if as_json:
        print_json(found)
    else:
        click.echo(f"{found.count:,}{' or more' if found.capped else ''}")


def with_forge(work: Callable[[Forge], Awaitable[T]]) -> T:
    """Runs a command's calls on a client of its own."""

    async def run() -> T:
        async with Forge() as forge:
            # Says at once why a database cannot be reached, where a pool would go on trying.
            await (await connect(forge.dsn)).close()
            return await work(forge)

    return asyncio.run(run())


def print_json(value: Any) -> None:
    """One document, indented."""
    document = msgspec.json.encode(value, enc_hook=str)
    click.echo(msgspec.json.format(document, indent=2).decode())


def print_table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """A table with numbers to the right; as wide as it needs to be when it is piped."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    cells = [[plain(value) for value in row] for row in rows]
    for index, name in enumerate(columns):
        numeric = all(row[index].replace(",", "").lstrip("-").isdigit() for row in cells) and cells
        table.add_column(name, justify="right" if numeric else "left", overflow="fold")
    for row in cells:
        # Text, not markup: a payload in brackets is no style.
        table.add_row(*(Text(cell) for cell in row))
    console().print(table)


def console() -> Console:
    """Where people read; a pipe gets lines that are not wrapped."""
    out = Console(highlight=False)
    return out if out.is_terminal else Console(highlight=False, width=400)


def plain(value: object) -> str:
    """A value as text that a terminal can be shown."""
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, datetime):
        return ago(value)
    text = ", ".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)
    return "".join(char if char.isprintable() else "�" for char in text)


def ago(moment: datetime) -> str:
    """How far a time is from now, in the largest unit that fits."""
    seconds = (datetime.now(UTC) - moment).total_seconds()
    size, unit = next(
        (size, unit)
        for size, unit in ((86400, "d"), (3600, "h"), (60, "min"), (0, "s"))
        if abs(seconds) >= size
    )
    count = int(abs(seconds) / (size or 1))
    return f"{count} {unit} ago" if seconds >= 0 else f"in {count} {unit}"


def progress_bar(*, hidden: bool = False) -> Progress:
    """For long work, on stderr; nothing where that is no terminal."""
    err = Console(stderr=True)
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        console=err,
        transient=True,
        disable=hidden or not err.is_terminal,
    )
