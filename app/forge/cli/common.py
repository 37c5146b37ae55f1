"""`forge settings`: what holds for all queues and types, and how long things are kept."""

from __future__ import annotations

from datetime import timedelta

import click
from msgspec import structs

from forge.cli.show import json_option, print_json, print_table, with_forge
from forge.client import Forge
from forge.models import SettingsRow


@click.command()
@click.option("--history-days", type=int, help="Keep finished jobs so long.")
@click.option("--dead-days", type=int, help="Keep dead jobs so long.")
@click.option("--dead-for-ever", is_flag=True, help="Keep dead jobs.")
@click.option("--log-days", type=int, help="Keep the logs of jobs so long.")
@click.option("--log-lines", type=int, help="Lines kept of one job.")
@json_option
def settings(
    history_days: int | None,
    dead_days: int | None,
    dead_for_ever: bool,
    log_days: int | None,
    log_lines: int | None,
    as_json: bool,
) -> None:
    """Show what holds for all queues and types; with options, set how long things are kept."""
    if dead_for_ever and dead_days is not None:
        raise click.UsageError("--dead-days and --dead-for-ever contradict each other")
    history, dead = _days("--history-days", history_days), _days("--dead-days", dead_days)
    log = _days("--log-days", log_days)

    async def work(forge: Forge) -> SettingsRow:
        async with forge.transaction() as conn:
            if history is not None or dead is not None or dead_for_ever:
                await forge.set_retention(
                    history=history,
                    dead=dead,
                    unset=("dead",) if dead_for_ever else (),
                    connection=conn,
                )
            if log is not None or log_lines is not None:
                await forge.set_log(retention=log, lines=log_lines, connection=conn)
        return await forge.show_settings()

    row = with_forge(work)
    if as_json:
        print_json(row)
    else:
        print_table(("setting", "value"), list(structs.asdict(row).items()))


def _days(option: str, value: int | None) -> timedelta | None:
    try:
        return None if value is None else timedelta(days=value)
    except OverflowError as error:
        raise click.BadParameter(str(error), param_hint=option) from error
