"""Forge by psycopg: a driver of SQL with parameters and types."""

from __future__ import annotations

import re
from typing import Any

import psycopg
from psycopg import sql
from psycopg.errors import Diagnostic
from psycopg.types.json import Jsonb

from tests.conformance.driver import Refused, Row, plain
from tests.database import Database


class ByPsycopg:
    """Implements `Driver`."""

    def __init__(self, db: Database) -> None:
        self._connection = db.connect_as_client()
        self._connection.add_notice_handler(self._hear)
        self._lost: list[int] = []

    def call(self, function: str, **arguments: Any) -> list[Row]:
        given = {name: _value(value) for name, value in arguments.items()}
        named = sql.SQL(", ").join(
            sql.SQL("{} => {}").format(sql.Identifier(name), sql.Placeholder(name))
            for name in given
        )
        query = sql.SQL("select * from forge.{}({}) as value").format(
            sql.Identifier(function), named
        )
        self._lost = []
        try:
            rows = self._connection.execute(query, given).fetchall()
        except psycopg.Error as error:
            raise Refused(error.sqlstate or "", error.diag.message_detail or "") from error
        return [plain(dict(row)) for row in rows]

    def lost(self) -> list[int]:
        return self._lost

    def _hear(self, notice: Diagnostic) -> None:
        if notice.sqlstate == "JQ002":
            self._lost += map(int, re.findall(r"\d+", notice.message_detail or ""))


def _value(value: Any) -> Any:
    if isinstance(value, list):
        return [_value(item) for item in value]
    return Jsonb(value) if isinstance(value, dict) else value
