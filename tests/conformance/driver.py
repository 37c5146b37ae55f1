"""What a driver is: it calls a function of Forge by name, in whatever way its language has.

Arguments are Python's: a timedelta for a duration, an aware datetime for a time, a dict for a
document, a list for an array. Rows come back as dicts, with leases as text, times as aware
datetimes and durations as seconds.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Protocol
from uuid import UUID

Row = dict[str, Any]


class Refused(Exception):
    """Forge refused the call, with this code."""

    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(code, detail)
        self.code = code
        self.detail = detail


class Driver(Protocol):
    """One way to call Forge."""

    def call(self, function: str, **arguments: Any) -> list[Row]:
        """The rows of the function; of one that returns a scalar, it is named `value`.

        Raises `Refused`.
        """
        ...

    def lost(self) -> list[int]:
        """The ids whose completion came too late, in the last call of exchange."""
        ...


def plain(row: Row) -> Row:
    """The row in the one form that all drivers share."""
    return {name: _plain(name, value) for name, value in row.items()}


def _plain(name: str, value: Any) -> Any:
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, timedelta):
        return value.total_seconds()
    if name.endswith("_at") and isinstance(value, str):
        return datetime.fromisoformat(value)
    if name == "timeout" and isinstance(value, str):  # as JSON has an interval
        hours, minutes, seconds = value.split(":")
        return int(hours) * 3600 + int(minutes) * 60 + float(seconds)
    return value
