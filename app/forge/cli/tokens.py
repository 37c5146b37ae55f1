"""`forge token`: who may call the HTTP API."""

from __future__ import annotations

import re
from datetime import timedelta

import click

from forge.cli.show import json_option, print_json, print_table, with_forge
from forge.client import Forge
from forge.environment import ROLES
from forge.models import Token

UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def lifetime(_: click.Context, __: click.Parameter, text: str | None) -> timedelta | None:
    """`90d` as a duration."""
    if text is None:
        return None
    found = re.fullmatch(r"([0-9]{1,9})([smhd])", text)
    if found is None:
        raise click.BadParameter("use a number and s, m, h or d, such as 12h or 90d")
    return timedelta(**{UNITS[found[2]]: int(found[1])})


@click.group()
def token() -> None:
    """Create, list and revoke tokens of the HTTP API."""


@token.command()
@click.argument("role", type=click.Choice(ROLES))
@click.argument("name")
@click.option(
    "--expires-in", callback=lifetime, metavar="TIME", help="Such as 12h or 90d; default: never."
)
@json_option
def create(role: str, name: str, expires_in: timedelta | None, as_json: bool) -> None:
    """Make a token for NAME and print it, this once.

    The first token closes the API to callers without one, on this machine too.
    """
    made = with_forge(lambda forge: forge.create_token(role, name, expires_in=expires_in))
    if as_json:
        print_json(made)
        return
    click.echo(f"token {made.id}, {role}; it is not shown again:", err=True)
    click.echo(made.token)  # alone on stdout: TOKEN=$(forge token create viewer me)


@token.command("list")
@click.option("--before", type=int, help="Only ids below this.")
@click.option("--limit", type=click.IntRange(1, 1000), default=100, show_default=True)
@json_option
def list_tokens(before: int | None, limit: int, as_json: bool) -> None:
    """List tokens, the newest first."""
    rows = with_forge(lambda forge: forge.list_tokens(before=before, max_rows=limit))
    if as_json:
        print_json(rows)
        return
    print_table(
        ("id", "name", "role", "created", "last used", "expires", "revoked"),
        [
            (
                str(row.id),
                row.name,
                row.role,
                row.created_at,
                row.last_used_at,
                row.expires_at,
                row.revoked_at,
            )
            for row in rows
        ],
    )


@token.command()
@click.argument("ids", type=int, nargs=-1, required=True)
@json_option
def revoke(ids: tuple[int, ...], as_json: bool) -> None:
    """End tokens for good; every API heeds it within 5 seconds."""

    async def revoke_all(forge: Forge) -> list[Token]:
        rows = []
        for id in ids:
            row = await forge.revoke_token(id)
            if row is None:
                raise click.ClickException(f"no token has the id {id}")
            rows.append(row)
        return rows

    rows = with_forge(revoke_all)
    if as_json:
        print_json(rows)
        return
    for row in rows:
        click.echo(f"token {row.id} ({row.role}) is revoked")
