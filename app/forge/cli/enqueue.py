"""`forge enqueue`: one job, or many from a file."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import IO, Any

import click
import msgspec

from forge.cli.show import Seconds, json_option, print_json, progress_bar, with_forge
from forge.client import Forge
from forge.errors import ForgeError, InvalidArgument

BATCH = 1000


@click.command()
@click.argument("type", required=False)
@click.argument("payload", default="{}")
@click.option(
    "--file", "source", type=click.File("rb"), help="Jobs, one JSON object a line; - reads stdin."
)
@click.option("--queue")
@click.option("--priority", type=int, help="Higher first; default 0.")
@click.option(
    "--at", type=click.DateTime(["%Y-%m-%dT%H:%M:%S%z"]), help="2026-12-24T18:00:00+01:00"
)
@click.option("--in", "delay", type=float, help="Seconds from now.")
@click.option("--max-retries", type=int)
@click.option("--timeout", type=Seconds(1, 86400), help="Seconds that an attempt may take.")
@click.option("--unique-key")
@click.option(
    "--unique-by", multiple=True, help="What makes the key: type, queue, payload, payload.name."
)
@click.option("--unique-scope", help="Where the key counts: queue or global.")
@click.option("--unique-for", type=float, help="Seconds that the key stays taken afterwards.")
@click.option("--on-conflict", help="If the key is taken: keep, replace, merge or raise.")
@click.option("--debounce", type=float, help="Due so many seconds after the last of the key.")
@click.option("--debounce-max", type=float, help="But at most so many after the first.")
@click.option("--tag", "tags", multiple=True)
@click.option("--concurrency-key", help="Whose limits and turns it counts against.")
@click.option("--depends-on", multiple=True, type=int, help="Wait until this job is done.")
@click.option("--on-parent-failure", help="wait, run or cancel; default wait.")
@click.option("--batch", type=int, help="The id of an open batch.")
@json_option
def enqueue(
    type: str | None,
    payload: str,
    source: IO[bytes] | None,
    at: datetime | None,
    delay: float | None,
    as_json: bool,
    **options: Any,
) -> None:
    """Add a job of TYPE with a JSON PAYLOAD, or many from a file; prints the ids.

    PAYLOAD is JSON, - for stdin, or @FILE. The keys of a line of --file are the parameters of
    forge.enqueue; each thousand lines are committed together.
    """
    if (type is None) == (source is None):
        raise click.UsageError("name a TYPE, or pass --file")
    if at is not None and delay is not None:
        raise click.UsageError("--at or --in, not both")
    chosen = {name: value for name, value in options.items() if value not in (None, ())}
    if source is not None:
        if chosen or at is not None or delay is not None:
            raise click.UsageError("with --file each line has its own options")
        _enqueue_file(source, as_json=as_json)
        return
    if delay is not None:
        at = _from_now(delay)
    for name in ("tags", "unique_by", "depends_on"):
        if name in chosen:
            chosen[name] = list(chosen[name])
    for name in ("unique_for", "debounce", "debounce_max"):
        if name in chosen:
            chosen[name] = f"{chosen[name]} seconds"
    if "timeout" in chosen:
        chosen["timeout"] = timedelta(seconds=chosen["timeout"])
    job = {"type": type, "payload": document(read(payload)), **chosen}
    if at is not None:
        job["scheduled_at"] = at

    async def work(forge: Forge) -> Any:
        (row,) = await forge.enqueue_many([job])
        return row

    row = with_forge(work)
    if as_json:
        print_json(row)
    else:
        click.echo(row.id)


def _from_now(seconds: float) -> datetime:
    try:
        return datetime.now(UTC) + timedelta(seconds=seconds)
    except (OverflowError, ValueError) as error:
        raise click.BadParameter(str(error), param_hint="--in") from error


def read(payload: str) -> bytes:
    """A PAYLOAD of a command line: as it stands, from stdin (-) or from a file (@FILE)."""
    if payload == "-":
        return sys.stdin.buffer.read()
    if payload.startswith("@"):
        try:
            with open(payload[1:], "rb") as file:
                return file.read()
        except OSError as error:
            raise click.BadParameter(f"{payload[1:]}: {error.strerror}") from error
    return payload.encode(errors="surrogateescape")


def document(text: bytes) -> Any:
    """The JSON value of a PAYLOAD. Raises `InvalidArgument`."""
    try:
        return msgspec.json.decode(text)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidArgument(
            "payload is not JSON", str(error), 'quote it: \'{"to": "a@b.c"}\''
        ) from error


def _jobs(source: IO[bytes]) -> Iterator[Any]:
    for number, line in enumerate(source, start=1):
        if not line.strip():
            continue
        try:
            job = msgspec.json.decode(line, type=dict[str, Any])
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise InvalidArgument(
                "a line is not a JSON object", f"line {number}: {error}", "one object a line"
            ) from error
        yield job


def _enqueue_file(source: IO[bytes], *, as_json: bool) -> None:
    jobs = list(_jobs(source))  # all of them are JSON before the first is sent

    async def work(forge: Forge) -> list[Any]:
        rows: list[Any] = []
        with progress_bar() as bar:
            task = bar.add_task("enqueuing", total=len(jobs))
            try:
                async for batch in forge.enqueue_stream(jobs, batch=BATCH):
                    rows += batch
                    bar.advance(task, len(batch))
            except ForgeError:
                if rows:
                    click.echo(f"the first {len(rows):,} jobs are enqueued, the rest not", err=True)
                raise
        return rows

    rows = with_forge(work)
    if as_json:
        print_json(rows)
        return
    created = sum(row.created for row in rows)
    click.echo(f"{created:,} jobs enqueued, {len(rows) - created:,} were there already")
