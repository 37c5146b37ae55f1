"""Arguments that Python can get wrong in ways of its own, before SQL sees them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from forge.db import ABSENT, jsonb
from forge.errors import InvalidArgument


def given(**arguments: Any) -> dict[str, Any]:
    """The arguments that are not None; for the others SQL's own default holds."""
    return {name: zoned(name, value) for name, value in arguments.items() if value is not None}


def zoned(name: str, value: Any) -> Any:
    """The value, unless it is a time of no zone: PostgreSQL would guess one. `InvalidArgument`."""
    if isinstance(value, datetime) and value.utcoffset() is None:
        raise InvalidArgument(
            f"{name} has no time zone",
            f"{name}={value.isoformat()}",
            "use an aware datetime, such as datetime.now(timezone.utc)",
        )
    return value


def as_json(name: str, value: Any) -> Any:
    """The value as a jsonb argument. Raises `InvalidArgument` where JSON has no form for it."""
    if value is None or value is ABSENT:
        return value
    try:
        return jsonb(msgspec.Raw(msgspec.json.encode(value)))
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        raise InvalidArgument(
            f"{name} cannot be written as JSON",
            str(error),
            "use what JSON has, or what msgspec encodes: dataclasses, datetimes, UUIDs, …",
        ) from error
