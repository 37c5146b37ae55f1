"""Databases of the bench's own: made from a template for one run of a case, and dropped."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import Connection, sql
from psycopg.conninfo import make_conninfo

# A run of a case takes minutes at most; what waits longer than this never ends.
PATIENCE = "-c statement_timeout=30min -c lock_timeout=1min"


def connect(dsn: str) -> Connection[tuple[Any, ...]]:
    """A connection in autocommit."""
    return psycopg.connect(dsn, autocommit=True, options=PATIENCE)


@dataclass(frozen=True)
class Database:
    """One database of a server, by name."""

    server: str
    name: str

    @property
    def dsn(self) -> str:
        return make_conninfo(self.server, dbname=self.name)

    @property
    def url(self) -> str:
        """The same for clients that take addresses only."""
        words = psycopg.conninfo.conninfo_to_dict(self.dsn)
        login = f"{words.get('user', '')}:{words.get('password', '')}".rstrip(":")
        host, port = str(words.get("host", "localhost")), words.get("port", 5432)
        if host.startswith("/"):
            return f"postgresql://{login}@/{self.name}?host={host}&port={port}"
        return f"postgresql://{login}@{host}:{port}/{self.name}"

    def create(self, template: str = "template0") -> None:
        self._administer("create database {} template {}", self.name, template)

    def drop(self) -> None:
        """Dropping makes a checkpoint, too, so that each run of a case begins after one."""
        self._administer("drop database if exists {} with (force)", self.name)

    def rows(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        """Run one statement in a transaction of its own."""
        with connect(self.dsn) as connection:
            cursor = connection.execute(query.encode(), values or None)
            return cursor.fetchall() if cursor.description else []

    def value(self, query: str, *values: Any) -> Any:
        """The first column of the first row."""
        return self.rows(query, *values)[0][0]

    def settle(self) -> None:
        """What autovacuum would do to tables that were just filled, and would do halfway."""
        self.rows("vacuum analyze")

    def _administer(self, statement: str, *names: str) -> None:
        with connect(self.server) as connection:
            quoted = [sql.Identifier(name) for name in names]
            connection.execute(sql.SQL(statement).format(*quoted))
