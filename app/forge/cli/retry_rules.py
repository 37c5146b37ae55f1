"""`forge retry-rules`: what becomes of failures by the class of their error."""

from __future__ import annotations

from typing import IO

import click
import msgspec

from forge.cli.show import ListingGroup, json_option, print_json, print_table, with_forge
from forge.models import RetryRule

queue_option = click.option("--queue", help="The rules of this queue.")
type_option = click.option("--type", help="The rules of this type.")


@click.group("retry-rules", cls=ListingGroup)
def retry_rules() -> None:
    """List and set retry rules; without a command, list them."""


@retry_rules.command("list")
@queue_option
@type_option
@json_option
def list_rules(queue: str | None, type: str | None, as_json: bool) -> None:
    """List the rules in the order in which a failure asks them."""
    _show(with_forge(lambda forge: forge.list_retry_rules(queue=queue, type=type)), as_json)


@retry_rules.command("set")
@click.argument("source", type=click.File("rb"))
@queue_option
@type_option
@json_option
def set_rules(source: IO[bytes], queue: str | None, type: str | None, as_json: bool) -> None:
    """Replace a list of rules by the JSON array in SOURCE, a file or - for stdin.

    With neither --queue nor --type it is the list for all. An empty array removes the list. The
    keys are those of forge.set_retry_rules:
    [{"error_type": "RateLimited", "action": "retry", "retry_base": "1 minute"}]
    """
    try:
        rules = msgspec.json.decode(source.read(), type=list[dict[str, object]])
    except msgspec.DecodeError as error:
        raise click.BadParameter(str(error), param_hint="SOURCE") from error
    _show(with_forge(lambda f: f.set_retry_rules(rules, queue=queue, type=type)), as_json)


def _show(rows: list[RetryRule], as_json: bool) -> None:
    if as_json:
        print_json(rows)
        return
    print_table(
        (
            *("scope", "name", "rule", "error type", "error", "action", "base", "factor", "cap"),
            *("jitter", "max retries"),
        ),
        [
            (
                row.scope,
                row.name,
                row.rule,
                row.error_type,
                row.error,
                row.action,
                row.retry_base,
                row.retry_factor,
                row.retry_cap,
                row.retry_jitter,
                row.max_retries,
            )
            for row in rows
        ],
    )
