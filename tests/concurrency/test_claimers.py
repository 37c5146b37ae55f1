"""Sixteen claimers and one queue: each job once, and never more claim locks than jobs."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle

import pytest

from tests.concurrency.racing import Racer, until
from tests.database import Conn, Database

CLAIMERS = 16
SIZES = (1, 2, 7, 40, 150)
# The space of the claim: 'JQ' in the upper half, 1 in the lower; 2: the kind with two integers.
CLAIM_LOCKS = """
    from pg_locks as l
    where l.locktype = 'advisory' and l.classid = x'4A510001'::int::oid and l.objsubid = 2
        and l.database = (select d.oid from pg_database as d where d.datname = current_database())
"""
DEQUEUE = "select id, lease from forge.dequeue(worker => %(worker)s, max_jobs => %(max_jobs)s)"

PINS = ("enable_seqscan", "enable_bitmapscan", "enable_sort", "enable_hashjoin", "enable_mergejoin")
NO_INDEX = {
    "enable_indexscan": "off",
    "enable_indexonlyscan": "off",
    "enable_bitmapscan": "off",
}


def fill(db: Database, jobs: int) -> None:
    db.rows(
        "insert into forge.jobs (scheduled_at, created_at, priority, status, queue, type, payload) "
        "select now(), now(), i %% 3, 'PENDING', 'default', 't', '{}' "
        "from generate_series(1, %(jobs)s) as i",
        jobs=jobs,
    )


def mistune(db: Database, settings: Mapping[str, str], *, unpin: bool) -> None:
    """Plan badly for everyone; unpinned, in the claim too."""
    for name, value in settings.items():
        db.rows(f"alter database {db.name} set {name} = {value}")
    for name in PINS if unpin else ():
        db.rows(f"alter function forge.dequeue reset {name}")


class Sampler:
    """Looks into pg_locks again and again, for what should never be seen."""

    def __init__(self, connection: Conn, limits: Mapping[int, int]) -> None:
        self._connection = connection
        self._limits = limits
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._look)
        self.looks_with_locks = 0
        self.excesses: list[str] = []

    def _look(self) -> None:
        query = f"select l.pid, count(*) as locks {CLAIM_LOCKS} group by l.pid".encode()
        while not self._stop.is_set():
            seen = {row["pid"]: row["locks"] for row in self._connection.execute(query)}
            self.looks_with_locks += bool(seen)
            self.excesses += [
                f"{locks} locks for {self._limits[pid]} jobs"
                for pid, locks in seen.items()
                if locks > self._limits[pid]
            ]

    def __enter__(self) -> Sampler:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()


def drain(connection: Conn, worker: str, max_jobs: int) -> list[int]:
    ids: list[int] = []
    call = {"worker": worker, "max_jobs": max_jobs}
    while jobs := connection.execute(DEQUEUE, call).fetchall():
        assert len(jobs) <= max_jobs
        ids += [job["id"] for job in jobs]
    return ids


@pytest.mark.parametrize(
    ("jobs", "settings", "unpin"),
    [
        pytest.param(20_000, {}, False, id="as shipped"),
        pytest.param(1_500, {"enable_indexscan": "off"}, False, id="without index scans"),
        pytest.param(1_500, NO_INDEX, True, id="by scans of the table"),
    ],
)
def test_each_job_is_claimed_once_with_no_more_locks_than_jobs(
    db: Database, jobs: int, settings: Mapping[str, str], unpin: bool
) -> None:
    fill(db, jobs)
    mistune(db, settings, unpin=unpin)
    sessions = [
        (db.connect(), size) for _, size in zip(range(CLAIMERS), cycle(SIZES), strict=False)
    ]
    limits = {connection.info.backend_pid: size for connection, size in sessions}

    with Sampler(db.connect(), limits) as sampler, ThreadPoolExecutor(CLAIMERS) as pool:
        claims = [
            pool.submit(drain, connection, f"w{number}", size)
            for number, (connection, size) in enumerate(sessions)
        ]
        ids = [job_id for claimed in claims for job_id in claimed.result()]

    assert len(ids) == len(set(ids)) == jobs
    assert sampler.excesses == []
    assert sampler.looks_with_locks > 0
    assert db.rows("select status, attempts, count(*) from forge.jobs group by 1, 2") == [
        {"status": "PROCESSING", "attempts": 1, "count": jobs}
    ]
    if unpin:
        db.close()  # a session counts its scans at the latest when it ends
        until(
            lambda: db.value(
                "select seq_scan > 10 from pg_stat_user_tables where relid = 'forge.jobs'::regclass"
            )
        )


@pytest.mark.parametrize(
    ("settings", "unpin"),
    [({}, False), ({"enable_indexscan": "off"}, False), (NO_INDEX, True)],
    ids=["as shipped", "without index scans", "by scans of the table"],
)
@pytest.mark.parametrize("max_jobs", [2, 7])
def test_a_claim_locks_the_jobs_that_it_returns_and_no_others(
    db: Database, settings: Mapping[str, str], unpin: bool, max_jobs: int
) -> None:
    fill(db, 500)
    mistune(db, settings, unpin=unpin)
    # Five are left that nobody holds.
    holder, claimer = db.connect(autocommit=False), db.connect(autocommit=False)
    holder.execute(
        "select id from forge.jobs where queue = 'default' and id not in "
        "(select id from forge.jobs where queue = 'default' order by id desc limit 5) for update"
    )

    jobs = claimer.execute(DEQUEUE, {"worker": "w", "max_jobs": max_jobs}).fetchall()
    locks = db.rows(f"select l.pid, l.objid::bigint as key {CLAIM_LOCKS}")
    holder.rollback()
    claimer.rollback()

    assert len(jobs) == min(max_jobs, 5)
    assert {lock["pid"] for lock in locks} == {claimer.info.backend_pid}
    assert sorted(lock["key"] for lock in locks) == sorted(job["id"] & 0x7FFFFFFF for job in jobs)
    assert db.rows(f"select * {CLAIM_LOCKS}") == []


def test_an_exchange_locks_the_jobs_that_it_claims_and_not_those_it_ends(
    db: Database, pair: tuple[Racer, Racer]
) -> None:
    fill(db, 20)
    done = db.rows(DEQUEUE, worker="w", max_jobs=10)
    worker, _ = pair

    worker.run("begin")
    jobs = worker.run(
        "select id from forge.exchange(%(ids)s, %(leases)s, max_jobs => 4)",
        ids=[job["id"] for job in done],
        leases=[job["lease"] for job in done],
    )
    locks = db.rows(f"select l.objid::bigint as key {CLAIM_LOCKS}")
    worker.run("commit")

    assert sorted(lock["key"] for lock in locks) == sorted(job["id"] & 0x7FFFFFFF for job in jobs)
    assert len(jobs) == 4
    assert db.value("select count(*) from forge.history") == 10
