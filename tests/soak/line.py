"""A connection that comes back: when it is lost, the call fails and the next one gets a new one."""

from __future__ import annotations

from typing import Any, LiteralString

import psycopg
from psycopg.rows import dict_row

GUARDS = "-c statement_timeout=30s -c idle_in_transaction_session_timeout=60s"


class Line:
    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._connection: psycopg.AsyncConnection[dict[str, Any]] | None = None

    async def run(self, query: LiteralString, *values: object) -> list[dict[str, Any]]:
        """One statement, committed by itself; its rows."""
        if self._connection is None or self._connection.closed:
            self._connection = await psycopg.AsyncConnection.connect(
                self._dsn,
                autocommit=True,
                row_factory=dict_row,
                connect_timeout=10,
                options=GUARDS,
                application_name="soak",
            )
        cursor = await self._connection.execute(query, values)
        return await cursor.fetchall() if cursor.description else []

    async def close(self) -> None:
        if self._connection is not None:
            await self._connection.close()
