"""Everything at once, as fast as it goes: no deadlock, no strange error, no job lost or doubled."""

from __future__ import annotations

import json
import os
import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
from psycopg.rows import DictRow

from tests.concurrency.racing import deadlocks, until
from tests.database import Conn, Database

BRAWLERS = 8
MOVES = int(os.environ.get("FORGE_TEST_MOVES", "500"))
KEYS = [f"k{number}" for number in range(6)]
# A lease that was lost, a job that is gone, a status that does not allow it: all of them in order.
LAWFUL = {"JQ002", "JQ003", "JQ004"}
OTHERS = """
    select from pg_stat_activity
    where datname = current_database() and pid <> pg_backend_pid()
        and backend_type = 'client backend'
"""


class Brawler:
    """One session that does whatever comes to its mind, to its own jobs and to those of others."""

    def __init__(self, connection: Conn, seed: int, known: list[int]) -> None:
        self._connection = connection
        self._dice = random.Random(seed)
        self._name = f"w{seed}"
        self._known = known  # shared by all: ids that were ever enqueued
        self._held: list[DictRow] = []
        self.refusals = 0
        self._moves: list[tuple[int, Callable[[], None]]] = [
            (4, self.enqueue),
            (3, self.enqueue_many),
            (6, self.dequeue),
            (4, self.exchange),
            (4, self.complete_many),
            (3, self.fail),
            (2, self.heartbeat),
            (2, self.release),
            (4, self.meddle),
            (1, self.retry_dead),
            (2, self.tick),
            (1, self.let_leases_end),
        ]

    def brawl(self) -> None:
        weights = [weight for weight, _ in self._moves]
        for (_, move), *_ in (self._dice.choices(self._moves, weights) for _ in range(MOVES)):
            try:
                move()
            except psycopg.Error as error:
                if error.sqlstate not in LAWFUL:
                    raise
                self.refusals += 1

    def _call(self, query: str, **named: object) -> list[DictRow]:
        cursor = self._connection.execute(query.encode(), named)
        return cursor.fetchall() if cursor.description else []

    def _take(self, most: int) -> dict[str, list[Any]]:
        """Claims that it holds, or has already given up, in no order."""
        taken = self._dice.sample(self._held, min(most, len(self._held)))
        if self._dice.random() < 0.8:
            self._held = [job for job in self._held if job not in taken]
        return {key: [job[key] for job in taken] for key in ("id", "lease")}

    def _some_key(self) -> str | None:
        return self._dice.choice(KEYS) if self._dice.random() < 0.3 else None

    def enqueue(self) -> None:
        (row,) = self._call(
            "select forge.enqueue("
            "'t', priority => %(p)s, max_retries => 1, unique_key => %(k)s) as id",
            p=self._dice.randint(0, 2),
            k=self._some_key(),
        )
        self._known.append(row["id"])

    def enqueue_many(self) -> None:
        jobs = [
            {"type": "t", "max_retries": 0, "unique_key": self._some_key()}
            for _ in range(self._dice.randint(1, 8))
        ]
        rows = self._call("select id from forge.enqueue_many(%(jobs)s)", jobs=json.dumps(jobs))
        self._known += [row["id"] for row in rows]

    def dequeue(self) -> None:
        self._held += self._call(
            "select id, lease from forge.dequeue(worker => %(w)s, max_jobs => %(n)s)",
            w=self._name,
            n=self._dice.randint(1, 6),
        )

    def exchange(self) -> None:
        self._held += self._call(
            "select id, lease from forge.exchange("
            "%(id)s::bigint[], %(lease)s::uuid[], worker => %(w)s, max_jobs => %(n)s)",
            **self._take(5),
            w=self._name,
            n=self._dice.randint(1, 6),
        )

    def complete_many(self) -> None:
        self._call(
            "select forge.complete_many(%(id)s::bigint[], %(lease)s::uuid[])", **self._take(5)
        )

    def fail(self) -> None:
        for job_id, lease in zip(*self._take(1).values(), strict=True):
            self._call(
                "select forge.fail(%(id)s, %(lease)s, 'no', retry_in => '0')",
                id=job_id,
                lease=lease,
            )

    def heartbeat(self) -> None:
        held = {key: [job[key] for job in self._held] for key in ("id", "lease")}
        self._call(
            "select forge.heartbeat(%(w)s, %(id)s::bigint[], %(lease)s::uuid[])",
            w=self._name,
            **held,
        )

    def release(self) -> None:
        for job_id, lease in zip(*self._take(1).values(), strict=True):
            self._call("select forge.release(%(id)s, %(lease)s)", id=job_id, lease=lease)

    def meddle(self) -> None:
        """What operators do, mostly to jobs that others work on."""
        if self._known:
            what = self._dice.choice(["cancel", "retry", "discard"])
            recent = self._known[-60:]
            self._call(f"select forge.{what}(%(id)s)", id=self._dice.choice(recent))

    def retry_dead(self) -> None:
        self._call("select forge.retry_dead(max_jobs => 5)")

    def tick(self) -> None:
        self._call("select forge.tick()")

    def let_leases_end(self) -> None:
        self._call("update forge_test.clock set shift = shift + '61 seconds'")


def test_everything_at_once_loses_no_job_and_ends_in_no_deadlock(db: Database) -> None:
    known: list[int] = []
    brawlers = [Brawler(db.connect(), seed, known) for seed in range(BRAWLERS)]

    with ThreadPoolExecutor(BRAWLERS) as pool:
        for fight in [pool.submit(brawler.brawl) for brawler in brawlers]:
            fight.result()

    db.close()
    until(lambda: not db.rows(OTHERS))
    assert deadlocks(db) == 0
    places = db.rows(
        "select id from forge.jobs union all select id from forge.history "
        "union all select id from forge.dead_jobs"
    )
    assert sorted(row["id"] for row in places) == sorted(set(known))
    assert sum(brawler.refusals for brawler in brawlers) > 0
    statuses = {row["status"] for row in db.rows("select distinct status from forge.all_jobs")}
    assert statuses >= {"COMPLETED", "CANCELLED", "DEAD"}  # else there was nothing to race for
