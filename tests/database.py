"""A test's own database, and the clock that it goes by."""

from __future__ import annotations

import os
import secrets
import select
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import psycopg
from psycopg import Connection, sql
from psycopg.conninfo import make_conninfo
from psycopg.rows import DictRow, dict_row

from tests import pgbouncer

SQL = Path(__file__).parent / "sql"

# A test that hangs says where instead of running into its time limit.
GUARDS = "-c statement_timeout=30s -c lock_timeout=10s -c idle_in_transaction_session_timeout=60s"

LEFT_BEHIND = """
select 'advisory lock ' || l.classid || '/' || l.objid || ' held by process ' || l.pid as left
from pg_locks as l
where l.locktype = 'advisory'
    and l.database = (select d.oid from pg_database as d where d.datname = %(name)s)
union all
select 'process ' || a.pid || ' is ' || a.state || ' after: ' || a.query
from pg_stat_activity as a
where a.datname = %(name)s and a.state like 'idle in transaction%%'
"""

# Files are copied faster than their pages are logged, where nobody waits for the disk.
QUICK_COPY = """
select case when current_setting('fsync') = 'off'
    and current_setting('server_version_num')::integer >= 150000
    then 'strategy file_copy' else '' end as option
"""

Conn = Connection[DictRow]


def connect(dsn: str, **options: Any) -> Conn:
    return psycopg.connect(dsn, row_factory=dict_row, options=GUARDS, **options)


def start_ids_anywhere(connection: Conn) -> None:
    """A random first id, so that no test relies on one; exact in a JavaScript number."""
    connection.execute(
        sql.SQL("alter sequence forge.job_id_seq restart with {}").format(
            1 + secrets.randbelow(2**40)
        )
    )


class Clock:
    """Sets forge.now() for everybody who sees the connection's writes."""

    def __init__(self, connection: Conn) -> None:
        self._connection = connection

    def set(self, moment: datetime | str) -> datetime:
        """Stand still at this moment."""
        return self._update("frozen_at = %s::timestamptz", moment)

    def advance(self, delta: timedelta | None = None, **parts: float) -> datetime:
        """Go on by so much: `advance(seconds=31)`. A clock that runs goes on running."""
        step = delta if delta is not None else timedelta(**parts)
        return self._update("frozen_at = frozen_at + %(step)s, shift = shift + %(step)s", step=step)

    def freeze(self) -> datetime:
        """Stand still at the present moment."""
        return self._update("frozen_at = forge.now()")

    def run(self) -> datetime:
        """Run on in real time from where the clock stands."""
        return self._update("shift = forge.now() - clock_timestamp(), frozen_at = null")

    @property
    def now(self) -> datetime:
        return self._read("select forge.now() as at")

    def _update(self, change: str, *values: object, **named: object) -> datetime:
        self._connection.execute(
            f"update forge_test.clock set {change}".encode(), named or list(values)
        )
        return self.now

    def _read(self, query: str) -> datetime:
        row = self._connection.execute(query.encode()).fetchone()
        assert row is not None
        at: datetime = row["at"]
        return at


class Idle:
    """Connections in autocommit that wait for their next statement.

    A new one costs more than most statements: a process, its catalog caches, every function's plan.
    """

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._waiting: list[Conn] = []

    @contextmanager
    def one(self) -> Iterator[Conn]:
        """One that nobody else uses meanwhile; threads may block in theirs."""
        connection = self._waiting.pop() if self._waiting else None
        if connection is None or not _untouched(connection):
            connection = connect(self._dsn, autocommit=True)
        try:
            yield connection
        except BaseException:
            connection.close()
            raise
        self._waiting.append(connection)

    def close(self) -> None:
        while self._waiting:
            self._waiting.pop().close()


def _untouched(connection: Conn) -> bool:
    """Whether the server has said nothing since: what it says to an idle session is goodbye."""
    readable, _, _ = select.select([connection.fileno()], [], [], 0)
    return not readable


def made_once(server: str, name: str, source: str, build: Callable[[Database], None]) -> str:
    """A database to copy others from; the first process of a run that asks for it builds it."""
    with connect(server, autocommit=True) as connection:
        connection.execute("set lock_timeout = 0; set statement_timeout = 0")
        connection.execute("select pg_advisory_lock(hashtext(%s))", (name,))
        found = connection.execute("select from pg_database where datname = %s", (name,))
        if found.fetchone() is None:
            building = Database(server, f"{name}_{secrets.token_hex(5)}")
            building.create(source)
            build(building)
            building.close()
            connection.execute(f"alter database {building.name} rename to {name}".encode())
    return name


@cache
def administrators(server: str) -> Idle:
    """This process's sessions in the database that it makes and drops others from."""
    return Idle(server)


class Database:
    """A database of one test, reached by `dsn`; connections made here are closed after it.

    Where a pooler stands before the run's server (FORGE_TEST_POOLER), what has `dsn` goes through
    it, as Forge does; the test's own hands go past it.
    """

    def __init__(self, server: str, name: str) -> None:
        self.server = server
        self.name = name
        self.direct = make_conninfo(server, dbname=name)
        self.pooler = os.environ.get(pgbouncer.AT)
        self.dsn = pgbouncer.through(self.direct, self.pooler) if self.pooler else self.direct
        self._open: list[Conn] = []
        self.idle = Idle(self.direct)

    def connect(self, **options: Any) -> Conn:
        """A connection with rows as dicts; autocommit unless asked otherwise."""
        connection = connect(self.direct, **{"autocommit": True, **options})
        self._open.append(connection)
        return connection

    def connect_as_client(self) -> Conn:
        """A connection of somebody who calls Forge: by way of the pooler, if there is one."""
        if self.pooler is None:
            return self.connect()
        connection = psycopg.connect(
            self.dsn, autocommit=True, row_factory=dict_row, prepare_threshold=None
        )
        self._open.append(connection)
        return connection

    def rows(self, query: str, *values: object, **named: object) -> list[DictRow]:
        """Run one statement in a transaction of its own."""
        with self.idle.one() as connection:
            cursor = connection.execute(query.encode(), named or list(values))
            return cursor.fetchall() if cursor.description else []

    def value(self, query: str, *values: object, **named: object) -> Any:
        """The first column of the first row."""
        (row, *_) = self.rows(query, *values, **named)
        return next(iter(row.values()))

    def create(self, template: str) -> None:
        name = sql.Identifier(self.name)
        with administrators(self.server).one() as connection:
            (row,) = connection.execute(QUICK_COPY).fetchall()
            connection.execute(
                sql.SQL("create database {} template {} {}").format(
                    name, sql.Identifier(template), sql.SQL(row["option"])
                )
            )

    def drop(self) -> None:
        self.close()
        with administrators(self.server).one() as connection:
            connection.execute(
                sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(self.name))
            )

    def close(self) -> None:
        self._close_open()
        self.idle.close()

    def _close_open(self) -> None:
        for connection in self._open:
            connection.close()
        self._open.clear()

    def violations(self, *, installed: bool = True, patience: float = 5) -> Sequence[str]:
        """What the test left behind, once sessions that are just closing have gone."""
        self._close_open()
        # First, by a session that is warm already: it holds in every committed state.
        wrong = self.rows((SQL / "invariants.sql").read_text()) if installed else []
        self.close()
        deadline = time.monotonic() + patience
        if self.pooler and (residue := pgbouncer.residue(self.dsn)):
            return residue
        with administrators(self.server).one() as connection:
            while left := connection.execute(LEFT_BEHIND, {"name": self.name}).fetchall():
                if time.monotonic() > deadline:
                    return [row["left"] for row in left]
                time.sleep(0.02)
        return [row["violation"] for row in wrong]
