"""Durations on the command line."""

from __future__ import annotations

from datetime import timedelta

import click


def seconds(option: str, value: float | None) -> timedelta | None:
    """An option in seconds as a duration."""
    try:
        return None if value is None else timedelta(seconds=value)
    except (OverflowError, ValueError) as error:
        raise click.BadParameter(str(error), param_hint=option) from error
