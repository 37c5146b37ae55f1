"""Callers of the previous release: each a session of its own that prepares what it calls.

They call as its program and its manual do, with the arguments that it has. What went wrong, and
what they were told, they keep.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Sequence
from typing import Any

import psycopg
from psycopg.rows import DictRow, dict_row

# Above it, a caller counts as stopped by the migration: its call fails.
WAIT = "1s"
# A call that is in the middle of it while the functions are exchanged may look for a helper that
# is no more, or has another shape; nothing of it has happened then. None that moves jobs may.
UNDER_WAY = ("42883", "42704", "42804", "XX000")


class Caller(threading.Thread):
    """Calls on, until it is stopped or a call fails."""

    def __init__(self, dsn: str, name: str, seed: int) -> None:
        super().__init__(name=name, daemon=True)
        self.dice = random.Random(f"{seed}-{name}")
        self.calls = 0
        self.error: Exception | None = None
        self.repeated: Exception | None = None
        self._ending = threading.Event()
        self._conn = psycopg.connect(
            dsn,
            autocommit=True,
            row_factory=dict_row,
            prepare_threshold=0,
            application_name=name,
            options=f"-c lock_timeout={WAIT} -c statement_timeout=30s",
        )

    def run(self) -> None:
        try:
            # A breath between calls, for two cores that all share.
            while not self._ending.wait(0.002):
                self.act()
                self.calls += 1
        except Exception as error:
            self.error = error
        finally:
            self._conn.close()

    def act(self) -> None:
        raise NotImplementedError

    def end(self) -> None:
        self._ending.set()
        self.join(30)

    def rows(self, query: str, *values: Any) -> list[DictRow]:
        return self._conn.execute(query.encode(), values).fetchall()

    def again(self, query: str, *values: Any) -> list[DictRow]:
        """As `rows`; once it may have to be said again, if it was under way at the switch."""
        try:
            return self.rows(query, *values)
        except psycopg.Error as error:
            if error.sqlstate not in UNDER_WAY or self.repeated:
                raise
            self.repeated = error
            return self.rows(query, *values)

    def value(self, query: str, *values: Any) -> Any:
        (row,) = self.rows(query, *values)
        return next(iter(row.values()))

    def together(self) -> psycopg.Transaction:
        manager: Any = self._conn.transaction()
        return manager  # type: ignore[no-any-return]


class Producer(Caller):
    """Enqueues in every way; `ids` are acknowledged."""

    def __init__(self, dsn: str, name: str, seed: int) -> None:
        super().__init__(dsn, name, seed)
        self.ids: list[int] = []

    def act(self) -> None:
        self.dice.choice([self._one, self._many, self._flow, self._batch, self._real])()

    def _one(self) -> None:
        self.ids.append(
            self.value(
                "select forge.enqueue(type => %s, payload => %s::jsonb, queue => %s,"
                " priority => %s, max_retries => 5, retry_base => '0', tags => array['old'],"
                " concurrency_key => %s)",
                "noop",
                '{"to": "a@b.c"}',
                self.dice.choice(["plain", "limited"]),
                self.dice.randint(-1, 1),
                self.dice.choice([None, "tenant"]),
            )
        )

    def _many(self) -> None:
        key = self.dice.randint(0, 10**9)
        rows = self.rows(
            "select id, created from forge.enqueue_many(jobs => %s::jsonb)",
            f'[{{"type": "noop", "queue": "plain", "unique_key": "{key}"}},'
            f' {{"type": "noop", "queue": "plain", "unique_key": "{key}"}},'
            f' {{"type": "noop", "queue": "limited", "priority": 3}}]',
        )
        self.ids += {row["id"] for row in rows}

    def _flow(self) -> None:
        with self.together():
            parent = self.value("select forge.enqueue(type => 'noop', queue => 'plain')")
            child = self.value(
                "select forge.enqueue(type => 'noop', queue => 'plain',"
                " depends_on => %s::bigint[])",
                [parent],
            )
        self.ids += [parent, child]

    def _batch(self) -> None:
        row = self.rows("select * from forge.enqueue(type => 'noop', queue => 'plain') as id")[0]
        self.ids.append(row["id"])

    def _real(self) -> None:
        self.ids.append(self.value("select forge.enqueue(type => 'note', queue => 'real')"))


class Claimer(Caller):
    """A worker of few lines: claims, then completes, fails, gives back or puts off."""

    def __init__(self, dsn: str, name: str, seed: int, queue: str) -> None:
        super().__init__(dsn, name, seed)
        self.queue = queue
        self.claims: list[tuple[int, int]] = []
        self._done: tuple[list[int], list[Any]] = ([], [])

    def act(self) -> None:
        ids, leases = self._done
        jobs = self.rows(
            "select * from forge.exchange(ids => %s, leases => %s, queue => %s, worker => %s,"
            " max_jobs => 5, types => array['noop'])",
            ids,
            leases,
            self.queue,
            self.name,
        )
        self._done = ([], [])
        for job in jobs:
            self.claims.append((job["id"], job["attempts"]))
            self._end(job)

    def _end(self, job: DictRow) -> None:
        fence = (job["id"], job["lease"])
        lot = self.dice.random()
        if lot < 0.6:
            self._done[0].append(job["id"])
            self._done[1].append(job["lease"])
        elif lot < 0.7:
            assert self.value(
                "select forge.complete(id => %s, lease => %s, result => '{}')", *fence
            )
        elif lot < 0.8 and job["attempts"] < 3:
            told = self.rows(
                "select status from forge.fail(id => %s, lease => %s, error => 'no', queue => %s,"
                " error_type => 'Made', retry_in => '0')",
                *fence,
                self.queue,
            )
            assert told == [{"status": "PENDING"}]
        elif lot < 0.9:
            self.claims.remove((job["id"], job["attempts"]))  # the attempt is given back
            self.rows("select forge.release(id => %s, lease => %s)", *fence)
        else:
            lost = self.rows(
                "select id from forge.heartbeat(worker => %s, ids => %s, leases => %s)",
                self.name,
                [job["id"]],
                [job["lease"]],
            )
            assert lost == []
            self.rows("select forge.progress(id => %s, lease => %s, value => 0.5)", *fence)
            self._done[0].append(job["id"])
            self._done[1].append(job["lease"])


class Operator(Caller):
    """Changes jobs of its own, settings and schedules."""

    def act(self) -> None:
        make = "select forge.enqueue(type => 'op', queue => 'ops', max_retries => 0)"
        first, *_ = (self.value(make) for _ in range(3))
        edit = "select id from forge.edit(id => %s, priority => 5, payload => '{}', queue => 'ops')"
        assert self.rows(edit, first) == [{"id": first}]
        self.rows("select forge.cancel(id => %s)", first)
        self.rows("select forge.retry(id => %s)", first)
        self.again(
            "select changed from forge.edit_jobs(queue => 'ops', status => 'PENDING',"
            " to_priority => 7, max_jobs => 10)"
        )
        self.again("select changed from forge.cancel_jobs(queue => 'ops', priority => 7)")
        claim = self.rows(
            "select id, lease from forge.dequeue(queue => 'ops', worker => %s, max_jobs => 10)",
            self.name,
        )
        for job in claim:
            self.rows(
                "select status from forge.fail(id => %s, lease => %s, error => 'for good',"
                " retryable => false)",
                job["id"],
                job["lease"],
            )
        self.again("select to_status from forge.retry_dead(queue => 'ops', max_jobs => 5)")
        self.again("select forge.discard_dead(queue => 'ops', max_jobs => 5)")
        self.rows("select forge.pause(queue => 'ops', reason => 'to see')")
        self.rows("select forge.resume(queue => 'ops')")
        self.rows("select forge.set_queue(queue => 'ops', retry_base => '1 second')")
        self.rows("select name from forge.schedule(name => 's', cron => '0 3 * * *', type => 'op')")
        self.rows("select name from forge.pause_schedule(name => 's')")


class Reader(Caller):
    """Reads all that can be read without an argument, and the life of one job."""

    def __init__(self, dsn: str, name: str, seed: int, readers: Sequence[tuple[str, str]]) -> None:
        super().__init__(dsn, name, seed)
        self._readers = list(readers)

    def act(self) -> None:
        function, columns = self.dice.choice(self._readers)
        self.again(f"select {columns} from forge.{function}()")


class Ticker(Caller):
    def act(self) -> None:
        self.rows("select task, count from forge.tick()")
