"""Interleavings that are arranged: one session holds, another is seen to wait, then is let go."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from typing import Any

from psycopg import sql
from psycopg.rows import DictRow

from tests.database import Conn, Database

PATIENCE = 45.0
LOOK = 0.005


class Racer:
    """A session of its own, whose statements can run in a thread."""

    def __init__(self, db: Database, pool: ThreadPoolExecutor) -> None:
        self._db = db
        self._pool = pool
        self._running: Future[list[DictRow]] | None = None
        self.connection: Conn = db.connect()

    @property
    def pid(self) -> int:
        return self.connection.info.backend_pid

    def run(self, query: str, **named: object) -> list[DictRow]:
        cursor = self.connection.execute(query.encode(), named)
        return cursor.fetchall() if cursor.description else []

    def start(self, query: str, **named: object) -> None:
        """Begin a statement in a thread."""
        self._running = self._pool.submit(self.run, query, **named)

    def start_and_wait_for_lock(self, query: str, **named: object) -> None:
        """Begin a statement in a thread, and return once another session makes it wait."""
        self.start(query, **named)
        assert self._running is not None
        until(
            lambda: bool(self._db.value("select pg_blocking_pids(%(pid)s)", pid=self.pid)),
            unless=self._running,
        )

    def result(self) -> list[DictRow]:
        """What the statement in the thread returned, or its error."""
        assert self._running is not None
        return self._running.result(PATIENCE)


def until(condition: Callable[[], bool], unless: Future[Any] | None = None) -> None:
    """Wait for a condition that another session brings about."""
    deadline = time.monotonic() + PATIENCE
    watched: Future[Any] = unless if unless is not None else Future()
    while not condition():
        assert not wait([watched], LOOK).done, f"it did not wait: {watched!r}"
        assert time.monotonic() < deadline, "waited in vain"


def blocked_by(db: Database, racer: Racer, other: Racer) -> bool:
    """Whether a session waits for another."""
    blocking = "select %(other)s = any(pg_blocking_pids(%(pid)s))"
    return bool(db.value(blocking, pid=racer.pid, other=other.pid))


@contextmanager
def racers(db: Database, count: int = 2) -> Iterator[list[Racer]]:
    with ThreadPoolExecutor(count) as pool:
        yield [Racer(db, pool) for _ in range(count)]


GATE = 4711
WITH_GATE = sql.SQL("""
do $do$
declare
    v_row pg_proc;
begin
    select p.* into v_row from pg_proc as p where p.oid = {signature}::regprocedure;
    -- by its name it knows its parameters, so that stays
    execute format('alter function %s set schema forge_test', v_row.oid::regprocedure);
    execute format(
        'create function forge.%I(%s) returns %s language plpgsql as $f$
        begin
            if %s then
                perform pg_advisory_xact_lock_shared(%s);
            end if;
            return forge_test.%I(%s);
        end;
        $f$',
        v_row.proname, pg_get_function_arguments(v_row.oid), pg_get_function_result(v_row.oid),
        {when}, {gate}, v_row.proname,
        (select string_agg('$' || n, ', ') from generate_series(1, v_row.pronargs) as n)
    );
end;
$do$
""")


@contextmanager
def gate_before(db: Database, signature: str, when: str = "true") -> Iterator[Callable[[], None]]:
    """Make whoever comes to a function of Forge wait until the gate is opened, by what this yields.

    So two statements of the function that calls it can be parted where no lock makes it wait.
    """
    keeper = db.connect()
    keeper.execute(
        WITH_GATE.format(
            signature=sql.Literal(signature), when=sql.Literal(when), gate=sql.Literal(GATE)
        )
    )
    keeper.execute("select pg_advisory_lock(%s)", (GATE,))
    try:
        yield keeper.close
    finally:
        keeper.close()


def claim(db: Database, max_jobs: int = 1, **named: object) -> list[DictRow]:
    """Claim jobs in a committed transaction."""
    return db.rows(
        "select * from forge.dequeue(max_jobs => %(n)s, worker => 'w', lease => %(lease)s)",
        **{"n": max_jobs, "lease": "1 hour", **named},
    )


def status(db: Database, job_id: int) -> str:
    value: str = db.value("select status from forge.job(%(id)s)", id=job_id)
    return value


def gone(db: Database, racer: Racer) -> None:
    """End a session as a crash of its client would, and wait until the server is rid of it."""
    db.rows("select pg_terminate_backend(%(pid)s)", pid=racer.pid)
    # It leaves the list and its locks one after the other, in an order of the server's own.
    until(
        lambda: not db.rows("select pid from pg_stat_activity where pid = %(pid)s", pid=racer.pid)
    )
    until(lambda: not db.rows("select pid from pg_locks where pid = %(pid)s", pid=racer.pid))


def counts(racer: Racer) -> dict[str, int]:
    """What a tick of this session did."""
    return {row["task"]: row["count"] for row in racer.run("select * from forge.tick()")}


def deadlocks(db: Database) -> int:
    value: int = db.value(
        "select deadlocks from pg_stat_database where datname = current_database()"
    )
    return value
