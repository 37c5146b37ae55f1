"""Three sessions on one job: who holds, who comes second, and who watches them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from tests.concurrency.interleavings.acts import Act
from tests.concurrency.racing import PATIENCE
from tests.database import Clock, Conn, Database

LOOK = 0.001
HOLD = """
with live as (select from forge.jobs as j where j.id = %(id)s for update),
dead as (select from forge.dead_jobs as d where d.id = %(id)s for update),
past as (select from forge.history as h where h.id = %(id)s for update)
select (select count(*) from live) + (select count(*) from dead) + (select count(*) from past)
"""


@dataclass(frozen=True)
class Arranged:
    """A job in the state that a race begins in."""

    id: int
    lease: str
    queue: str


class Session:
    """One that acts, here or in a thread, where another may make it wait."""

    def __init__(self, db: Database, pool: ThreadPoolExecutor) -> None:
        self.connection: Conn = db.connect()
        self.connection.execute("set lock_timeout = '3s'")  # who should not wait at all says so
        self.pid = self.connection.info.backend_pid
        self._pool = pool

    def run(self, query: str, named: dict[str, Any] | None = None) -> Any:
        """The first value of the first row, or the code of the error."""
        try:
            cursor = self.connection.execute(query.encode(), named)
        except psycopg.Error as error:
            return error.sqlstate
        row = cursor.fetchone() if cursor.description else None
        return next(iter(row.values())) if row else None

    def act(self, act: Act, *jobs: Arranged) -> Any:
        (job,) = jobs
        return self.run(act.sql, vars(job))

    def start(self, query: str, named: dict[str, Any] | None = None) -> Future[Any]:
        return self._pool.submit(self.run, query, named)


class Stage:
    """Where races are played; what they leave behind stands in nobody's way."""

    def __init__(self, db: Database, pool: ThreadPoolExecutor) -> None:
        self.first, self.second, self.holder = (Session(db, pool) for _ in range(3))
        self._watcher = db.connect()

    def arrange(self, state: str, *, rich: bool = False) -> Arranged:
        row = self._watcher.execute(
            "select * from forge_test.arrange(%s, %s)", (state, rich)
        ).fetchone()
        assert row is not None
        return Arranged(**row)

    def state(self, job: Arranged) -> str:
        row = self._watcher.execute(
            "select forge_test.state(%(id)s, %(lease)s, %(queue)s) as state", vars(job)
        ).fetchone()
        assert row is not None
        state: str = row["state"]
        return state

    def hold(self, job: Arranged) -> None:
        """Take the row of a job, wherever it lies, until the holder commits."""
        self.holder.run("begin")
        assert self.holder.run(HOLD, vars(job)) == 1

    def waits(self, session: Session, running: Future[Any]) -> bool:
        """Whether a session comes to wait for another; false: it is done first."""
        deadline = time.monotonic() + PATIENCE
        while not wait([running], LOOK).done:
            blocked = self._watcher.execute(
                "select cardinality(pg_blocking_pids(%s)) > 0 as yes", (session.pid,)
            ).fetchone()
            if blocked is not None and blocked["yes"]:
                return True
            assert time.monotonic() < deadline, "it neither waits nor ends"
        return False


@contextmanager
def stage(db: Database) -> Iterator[Stage]:
    db_setup = db.connect()
    db_setup.execute((Path(__file__).parent / "arrange.sql").read_bytes())
    # Of all that the tick does from time to time the first does everything, and no other anything.
    Clock(db_setup).freeze()
    db_setup.execute("select from forge.tick()")
    with ThreadPoolExecutor(2) as pool:
        yield Stage(db, pool)
