"""Random flows, with workers, operators and ticks at them at once: in the end nothing is stuck."""

from __future__ import annotations

import json
import os
import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import psycopg
from psycopg.rows import DictRow

from tests.concurrency.racing import deadlocks, until
from tests.concurrency.test_brawl import LAWFUL, OTHERS
from tests.database import Conn, Database

BRAWLERS = 8
MOVES = int(os.environ.get("FORGE_TEST_MOVES", "500")) // 2
# What a job cannot be, by what its parents are.
WRONG = """
select j.id, j.status, j.on_parent_failure, array_agg(a.status) as parents
from forge.all_jobs as j
left join forge.dependencies as d on d.child = j.id
left join forge.all_jobs as a on a.id = d.parent
where j.revivals = 0
group by 1, 2, 3
having case j.status
    when 'WAITING' then
        not coalesce(bool_or(
            a.status in ('WAITING', 'PENDING', 'PROCESSING')
            or (a.status <> 'COMPLETED' and coalesce(j.on_parent_failure, 'wait') = 'wait')
        ), false)
        and not exists (
            select from forge.open_dependencies as o where o.child = j.id and o.parent = j.id
        )
    when 'CANCELLED' then false
    else
        -- a parent that was done may have been retried since only if it had failed before
        coalesce(bool_or(
            a.revivals = 0 and (
                a.status in ('WAITING', 'PENDING', 'PROCESSING')
                or a.status <> 'COMPLETED'
                and coalesce(j.on_parent_failure, 'wait') <> 'run'
            )
        ), false)
end
"""


class Brawler:
    """One session that does whatever comes to its mind to flows."""

    def __init__(self, connection: Conn, seed: int, known: list[int], batches: list[int]) -> None:
        self._connection = connection
        self._dice = random.Random(seed)
        self._known = known
        self._batches = batches
        self._held: list[DictRow] = []
        self._moves: list[tuple[int, Callable[[], None]]] = [
            (5, self.enqueue_flow),
            (4, self.enqueue_child),
            (2, self.open_batch),
            (4, self.add_to_batch),
            (1, self.close_batch),
            (8, self.dequeue),
            (4, self.complete_many),
            (4, self.complete_slowly),
            (2, self.fail),
            (1, self.cancel),
            (1, self.retry),
            (4, self.tick),
        ]

    def brawl(self) -> None:
        weights = [weight for weight, _ in self._moves]
        for _ in range(MOVES):
            ((_, move),) = self._dice.choices(self._moves, weights)
            try:
                if self._dice.random() < 0.3:
                    with self._connection.transaction():
                        move()
                        self.enqueue_child()  # waits for nobody, whatever is locked already
                else:
                    move()
            except psycopg.Error as error:
                if error.sqlstate not in LAWFUL:
                    raise

    def _call(self, query: str, **named: object) -> list[DictRow]:
        cursor = self._connection.execute(query.encode(), named)
        return cursor.fetchall() if cursor.description else []

    def _policy(self) -> str:
        return self._dice.choice(["wait", "run", "cancel", "run"])

    def _some(self, most: int) -> list[int]:
        recent = self._known[-100:]
        return self._dice.sample(recent, min(len(recent), self._dice.randint(0, most)))

    def enqueue_flow(self) -> None:
        size = self._dice.randint(2, 12)
        jobs: list[dict[str, Any]] = []
        for number in range(size):
            before = [f"h{n}" for n in range(number)]
            parents: list[Any] = list(
                self._dice.sample(before, min(len(before), self._dice.randint(0, 3)))
            )
            job = {"type": "t", "handle": f"h{number}", "max_retries": 0}
            jobs.append(
                {**job, "depends_on": parents + self._some(1), "on_parent_failure": self._policy()}
            )
        self._dice.shuffle(jobs)
        rows = self._call("select id from forge.enqueue_many(%(jobs)s)", jobs=json.dumps(jobs))
        self._known += [row["id"] for row in rows]

    def enqueue_child(self) -> None:
        rows = self._call(
            "select forge.enqueue('t', depends_on => %(on)s::bigint[], max_retries => 0,"
            " on_parent_failure => %(policy)s) as id",
            on=self._some(4),
            policy=self._policy(),
        )
        self._known += [row["id"] for row in rows]

    def open_batch(self) -> None:
        (row,) = self._call("select forge.open_batch('callback') as id")
        self._batches.append(row["id"])
        self._known.append(row["id"])

    def add_to_batch(self) -> None:
        if self._batches:
            rows = self._call(
                "select forge.enqueue("
                "'t', batch => %(batch)s, depends_on => %(on)s::bigint[]) as id",
                batch=self._dice.choice(self._batches[-5:]),
                on=self._some(1),
            )
            self._known += [row["id"] for row in rows]

    def close_batch(self) -> None:
        if self._batches:
            self._call("select forge.close_batch(%(b)s)", b=self._dice.choice(self._batches[-8:]))

    def dequeue(self) -> None:
        self._held += self._call(
            "select id, lease from forge.dequeue(max_jobs => %(n)s)", n=self._dice.randint(1, 8)
        )

    def complete_many(self) -> None:
        self._dice.shuffle(self._held)
        taken, self._held = self._held[:6], self._held[6:]
        self._call(
            "select forge.complete_many(%(id)s::bigint[], %(lease)s::uuid[])",
            **{key: [job[key] for job in taken] for key in ("id", "lease")},
        )

    def complete_slowly(self) -> None:
        """One by one in one transaction, which those do not see who end the other parents."""
        with self._connection.transaction():
            for job in self._held[-6:]:
                self._held.remove(job)
                with suppress(psycopg.DatabaseError), self._connection.transaction():
                    self._call("select forge.complete(%(id)s, %(lease)s)", **job)

    def fail(self) -> None:
        if self._held:
            self._call("select forge.fail(%(id)s, %(lease)s, 'no')", **self._held.pop())

    def cancel(self) -> None:
        for job_id in self._some(1):
            self._call("select forge.cancel(%(id)s)", id=job_id)

    def retry(self) -> None:
        for job_id in self._some(1):
            self._call("select forge.retry(%(id)s)", id=job_id)

    def tick(self) -> None:
        self._call("select forge.tick()")


def drain(db: Database, batches: list[int]) -> None:
    """Close what is open, run what is due, until nothing moves any more."""
    for batch in batches:
        db.rows("select forge.close_batch(id) from forge.jobs where id = %(b)s", b=batch)
    while True:
        # past all leases that nobody ends, and all backoffs
        db.rows("update forge_test.clock set shift = shift + '2 hours'")
        until(lambda: not (db.rows("select from forge.tick()") and ripe(db)))
        done = db.rows(
            "select forge.complete(d.id, d.lease) from forge.dequeue(max_jobs => 1000) as d"
        )
        if not done and not ripe(db):
            return


def ripe(db: Database) -> bool:
    return bool(db.rows("select from forge.ripe_jobs"))


def test_no_flow_is_ever_stuck(db: Database) -> None:
    known: list[int] = []
    batches: list[int] = []
    brawlers = [Brawler(db.connect(), seed, known, batches) for seed in range(BRAWLERS)]
    with ThreadPoolExecutor(BRAWLERS) as pool:
        for fight in [pool.submit(brawler.brawl) for brawler in brawlers]:
            fight.result()
    db.close()
    until(lambda: not db.rows(OTHERS))
    assert deadlocks(db) == 0

    drain(db, batches)
    assert db.rows(WRONG) == []
    assert db.value("select count(*) from forge.jobs where status <> 'WAITING'") == 0
    outcomes = {r["status"] for r in db.rows("select distinct status from forge.all_jobs")}
    assert outcomes >= {"COMPLETED", "CANCELLED", "DEAD", "WAITING"}
