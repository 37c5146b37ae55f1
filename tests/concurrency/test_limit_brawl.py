"""Limits under fire: many sessions claim, finish, fail, die and are late, all at once.

What is held against the limits is what was committed: an observer counts what runs, again and
again, and every claim leaves its start in a log.
"""

from __future__ import annotations

import random
import threading
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import psycopg

from tests.concurrency.racing import deadlocks, until
from tests.database import Database

WORKERS = 6
MOVES = 80
JOBS = 600
KEYS = [f"k{number}" for number in range(8)]
MOST, MOST_OF_KEY = 6, 2
RATE, KEY_RATE = 30, 8
PER = timedelta(milliseconds=100)
LIMITS = """
select forge.set_limits(
    'default', max_running => %(most)s, key_max_running => %(key_most)s,
    rate => %(rate)s, per => %(per)s, key_rate => %(key_rate)s, key_per => %(per)s
)
"""
RUNNING = """
select
    coalesce(sum(r.jobs), 0) as all,
    coalesce(max(r.jobs) filter (where r.key is not null), 0) as key
from (
    select j.concurrency_key as key, count(*) as jobs
    from forge.jobs as j where j.status = 'PROCESSING' group by j.concurrency_key
) as r
"""
CLAIMING = """
select pg_terminate_backend(a.pid) from pg_stat_activity as a
where a.datname = current_database() and a.state = 'active' and a.query like '%forge.dequeue%'
    and a.pid <> pg_backend_pid()
limit 1
"""
LATER = "update forge_test.clock set shift = shift + '61 seconds'"
ALL = ["max_running", "rate", "key_max_running", "key_rate", "key_fifo"]
# Ended under another's hands: in order.
LAWFUL = {"JQ002"}


class Fight:
    """What the sessions share: the database, the log of starts, and when it is over."""

    def __init__(self, db: Database) -> None:
        self.db = db
        self.over = threading.Event()
        self.starts: list[dict[str, Any]] = []
        self.most = self.most_of_key = self.deaths = 0

    def work(self, seed: int) -> None:
        dice = random.Random(seed)
        connection = self.db.connect()
        held: list[dict[str, Any]] = []
        for _ in range(MOVES):
            try:
                jobs = connection.execute(
                    "select id, lease, concurrency_key, attempted_at"
                    " from forge.dequeue(max_jobs => %s, worker => %s)",
                    (dice.choice([1, 1, 2, 5]), f"w{seed}"),
                ).fetchall()
                self.starts += jobs
                held += jobs
                while held and dice.random() < 0.7:
                    self.end(connection, held.pop(dice.randrange(len(held))), dice)
            except psycopg.OperationalError:
                self.deaths += 1  # whatever it held runs out by lease
                held = []
                connection = self.db.connect()
            except psycopg.Error as error:
                if error.sqlstate not in LAWFUL:
                    raise

    def end(
        self, connection: psycopg.Connection[Any], job: dict[str, Any], dice: random.Random
    ) -> None:
        how = dice.choice(
            [
                "select forge.complete(%(id)s, %(lease)s)",
                "select forge.complete(%(id)s, %(lease)s)",
                "select forge.fail(%(id)s, %(lease)s, 'no', retry_in => '0')",
                "select forge.release(%(id)s, %(lease)s)",
                "select forge.snooze(%(id)s, %(lease)s, '10 milliseconds')",
                "select forge.exchange(array[%(id)s], array[%(lease)s]::uuid[], queue => 'none')",
            ]
        )
        connection.execute(how.encode(), job)

    def observe(self) -> None:
        connection = self.db.connect()
        while not self.over.is_set():
            row = connection.execute(RUNNING.encode()).fetchone()
            assert row is not None
            self.most = max(self.most, row["all"])
            self.most_of_key = max(self.most_of_key, row["key"])

    def kill(self) -> None:
        connection = self.db.connect()
        while not self.over.wait(0.03):
            connection.execute(CLAIMING.encode())
            connection.execute("select forge.tick()")

    def let_leases_end(self) -> None:
        connection = self.db.connect()
        while not self.over.wait(0.3):
            connection.execute(LATER.encode())


def worst(starts: list[datetime]) -> int:
    """The most that started in any window."""
    starts = sorted(starts)
    first = most = 0
    for last, at in enumerate(starts):
        while at - starts[first] >= PER:
            first += 1
        most = max(most, last - first + 1)
    return most


def fill(db: Database, jobs: int) -> None:
    dice = random.Random(1)
    with db.connect() as connection:
        for _ in range(jobs):
            connection.execute(
                "select forge.enqueue('t', concurrency_key => %s, priority => %s)",
                (dice.choice([*KEYS, None, None]), dice.choice([0, 0, 5])),
            )


def settle(db: Database) -> None:
    """Ticks until the limits hold; any older transaction of the server puts that off."""

    def settled() -> bool:
        db.rows("select forge.tick()")
        db.rows("update forge_test.clock set shift = shift + '1 second'")
        return bool(db.value("select settled from forge.limits"))

    until(settled)


def drain(db: Database) -> None:
    """Work off all that is left, with nothing in the way."""
    db.rows("select forge.set_limits('default', unset => %(all)s)", all=ALL)
    db.rows(LATER)
    db.rows("select forge.tick()")
    db.rows("update forge_test.clock set shift = shift + '1 hour'")
    with db.connect() as connection:
        while jobs := connection.execute(
            "select id, lease from forge.dequeue(max_jobs => 500)"
        ).fetchall():
            done = {name: [job[name] for job in jobs] for name in ("id", "lease")}
            connection.execute(
                "select forge.complete_many(%(id)s::bigint[], %(lease)s::uuid[])", done
            )


def fought(db: Database, jobs: int, *tasks: str) -> Fight:
    """A fight over so many jobs, beside which these tasks go on."""
    settle(db)
    fill(db, jobs)
    fight = Fight(db)
    with ThreadPoolExecutor(WORKERS + len(tasks)) as pool:
        others = [pool.submit(getattr(fight, task)) for task in tasks]
        try:
            for work in [pool.submit(fight.work, seed) for seed in range(WORKERS)]:
                work.result()
        finally:
            fight.over.set()
        for other in others:
            other.result()
    assert deadlocks(db) == 0
    return fight


def test_no_limit_is_ever_exceeded_and_no_job_is_lost(db: Database) -> None:
    db.rows(LIMITS, most=MOST, key_most=MOST_OF_KEY, rate=RATE, key_rate=KEY_RATE, per=PER)

    fight = fought(db, JOBS, "observe", "kill", "let_leases_end")

    assert 1 < fight.most <= MOST
    assert 1 < fight.most_of_key <= MOST_OF_KEY
    assert worst([job["attempted_at"] for job in fight.starts]) <= RATE
    by_key = defaultdict(list)
    for job in fight.starts:
        by_key[job["concurrency_key"]].append(job["attempted_at"])
    assert max(worst(by_key[key]) for key in KEYS) <= KEY_RATE
    assert fight.deaths > 0

    drain(db)
    ended = "select id from forge.history union all select id from forge.dead_jobs"
    assert len(db.rows(ended)) == JOBS
    for table in ("jobs", "turns", "lines"):
        assert db.rows(f"select * from forge.{table}") == [], table


def test_the_jobs_of_a_key_stay_in_order_whatever_happens(db: Database) -> None:
    db.rows("select forge.set_limits('default', key_fifo => true)")

    fight = fought(db, 300, "observe", "kill")

    assert fight.most_of_key == 1
    drain(db)
    ended = db.rows(
        "select id, concurrency_key from forge.history"
        " where concurrency_key is not null order by concurrency_key, attempted_at, id"
    )
    assert ended
    for one, following in pairwise(ended):
        if one["concurrency_key"] == following["concurrency_key"]:
            assert one["id"] < following["id"]
