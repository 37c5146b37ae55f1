"""Payloads that JSON allows and Python cannot hold must not take the claimed batch down."""

from __future__ import annotations

from typing import Any

import msgspec
from psycopg.types.json import set_json_loads

from forge.db import Connection


class UnreadablePayload:
    """Stands for a payload that could not be decoded: nested too deep, or a number too long."""

    def __init__(self, why: str) -> None:
        self.why = why


def _loads(text: str | bytes) -> Any:
    try:
        return msgspec.json.decode(text)
    except (msgspec.MsgspecError, RecursionError) as error:
        return UnreadablePayload(str(error))


def tolerate_payloads(conn: Connection) -> None:
    """On this connection a payload that cannot be decoded is a value, not an error."""
    set_json_loads(_loads, conn)
