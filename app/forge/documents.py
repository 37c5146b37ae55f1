"""JSON documents on their way from and to the database, by msgspec: most of a driver's work a job.

Set for each connection of Forge's own, never for the whole process, which is its user's.
"""

from __future__ import annotations

from typing import Any

import msgspec
from psycopg import AsyncConnection
from psycopg.types.json import Jsonb, set_json_loads


class UnreadableDocument:
    """Stands for what JSON allows and Python cannot hold: nested too deep, a number too long.

    A value, not an error, so that one such job does not take down the page or batch it is in.
    """

    def __init__(self, why: str) -> None:
        self.why = why


def _loads(text: str | bytes) -> Any:
    try:
        return msgspec.json.decode(text)
    except (msgspec.MsgspecError, RecursionError) as error:
        return UnreadableDocument(str(error))


def read_documents(conn: AsyncConnection[Any]) -> None:
    """Have this connection decode JSON in Forge's way."""
    set_json_loads(_loads, conn)


def document(value: Any) -> Jsonb:
    """A value as a jsonb argument, on any connection."""
    return Jsonb(value, dumps=msgspec.json.encode)
