"""Big tables and old statistics, and what a call reads of them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from psycopg.rows import DictRow

from tests.database import Conn, Database

# Due, scheduled ahead, running. A plan that is made from old statistics is as bad with fewer.
MANY = (100_000, 100_000, 50_000)
FEWER = (30_000, 30_000, 20_000)
DUE_BELOW = 600  # due, under the hundred thousand that are scheduled ahead
FINISHED = 20_000

FILL = """
insert into forge.jobs (
    scheduled_at, created_at, priority, attempts, status, queue, type, worker, payload,
    lease, lease_expires_at
)
select
    forge.now() + %(offset)s::interval, forge.now(), %(priority)s,
    (%(status)s = 'PROCESSING')::integer, %(status)s, %(queue)s, 't',
    case when %(status)s = 'PROCESSING' then 'w' || i %% 100 end, '{}',
    case when %(status)s = 'PROCESSING' then gen_random_uuid() end,
    case when %(status)s = 'PROCESSING' then forge.now() + interval '1 hour' end
from generate_series(1, %(jobs)s) as i
"""
OLD_JOBS = """
insert into forge.{table} (
    id, scheduled_at, created_at, finished_at, priority, attempts, revivals, status, queue, type,
    payload
)
select
    nextval('forge.job_id_seq'), forge.now(), forge.now(), forge.now(), 0, 1, 0, {status},
    'default', 't', '{{}}'
from generate_series(1, {jobs})
"""
# The statistics of this backend's transaction, also those of single indexes, in every version.
READS = """
select
    c.relname as name,
    c.relkind in ('r', 'p') as is_table,
    pg_stat_get_xact_numscans(c.oid) as scans,
    pg_stat_get_xact_tuples_returned(c.oid) as tuples
from pg_class as c
where c.relnamespace = 'forge'::regnamespace and c.relkind in ('r', 'i')
"""


@dataclass(frozen=True)
class Reads:
    """How many scans a call made, and how many entries it read, by table and index."""

    scans: dict[str, int]
    tuples: dict[str, int]
    whole_tables: set[str]  # those that it read from end to end

    @property
    def jobs(self) -> int:
        """Entries read of forge.jobs, by whatever way."""
        return sum(
            count
            for name, count in self.tuples.items()
            if name in ("jobs", "jobs_pkey") or name.startswith("job_")
        )


def fill(connection: Conn, queue: str, jobs: int, **named: object) -> None:
    values = {"offset": "-1 minute", "priority": 0, "status": "PENDING", **named}
    connection.execute(FILL.encode(), {"queue": queue, "jobs": jobs, **values})


def build(db: Database, statistics: str) -> None:
    """Jobs due, ahead and running; statistics of them, or of another time."""
    ready, ahead, running = MANY if statistics == "fresh" else FEWER
    with db.connect(autocommit=False) as connection:
        connection.execute("set local statement_timeout = 0")
        connection.execute("alter table forge.jobs set (autovacuum_enabled = off)")
        if statistics == "of an empty table":
            connection.execute("analyze forge.jobs")
        fill(connection, "running", running, status="PROCESSING")
        if statistics == "of running jobs only":
            connection.execute("analyze forge.jobs")
        fill(connection, "default", ready)
        fill(connection, "ahead", ahead, offset="1 day", priority=10)
        fill(connection, "ahead", DUE_BELOW)
        connection.execute(
            OLD_JOBS.format(table="history", status="'COMPLETED'", jobs=FINISHED).encode()
        )
        connection.execute(
            OLD_JOBS.format(table="dead_jobs", status="'DEAD'", jobs=FINISHED).encode()
        )
        if statistics == "fresh":
            connection.execute("analyze")


class Reader:
    """A session in a transaction that is rolled back."""

    def __init__(self, connection: Conn) -> None:
        self.connection = connection
        self.reads = Reads({}, {}, set())

    def setup(self, query: str, **named: object) -> list[DictRow]:
        cursor = self.connection.execute(query.encode(), named)
        return cursor.fetchall() if cursor.description else []

    def run(self, query: str, **named: object) -> list[DictRow]:
        """Run a statement, and keep count of what it read."""
        before = self._counts()
        rows = self.setup(query, **named)
        after = self._counts()
        scans = {name: after[name][1] - before.get(name, (False, 0, 0))[1] for name in after}
        tuples = {name: after[name][2] - before.get(name, (False, 0, 0))[2] for name in after}
        self.reads = Reads(
            {name: count for name, count in scans.items() if count},
            {name: count for name, count in tuples.items() if count},
            {name for name, (is_table, *_) in after.items() if is_table and scans[name]},
        )
        return rows

    def _counts(self) -> dict[str, tuple[bool, int, int]]:
        return {
            row["name"]: (row["is_table"], row["scans"], row["tuples"])
            for row in self.connection.execute(READS.encode())
        }


@contextmanager
def reading(db: Database) -> Iterator[Reader]:
    connection = db.connect(autocommit=False)
    yield Reader(connection)
    connection.rollback()
    connection.close()
