"""A client that does what a producer, a worker and an operator may do, and journals all of it.

A process of its own, so that it can be killed and stopped: `python -m tests.chaos.client …`.
It keeps leases that it has ended or lost, and tries them again later: they must not work.
"""

from __future__ import annotations

import argparse
import contextlib
import random
import signal
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from tests.chaos.journal import DONE, REFUSED, UNDONE, UNKNOWN, Journal
from tests.chaos.orders import QUEUES, Orders, noted

LEASE = "2 seconds"
IDLE = 1  # seconds that a session may idle in its transaction
CONNECT: dict[str, Any] = {
    "connect_timeout": 3,
    "sslmode": "disable",
    "gssencmode": "disable",
    "application_name": "chaos-client",
    # as behind a pooler: nothing depends on the session
    "prepare_threshold": None,
}
Row = dict[str, Any]


class Lost(Exception):
    """The connection is gone; what became of the last call is not known."""


def was_not_done(error: psycopg.Error) -> bool:
    """Whether the server itself says that the statement failed, so that nothing of it remains.

    One that panics says so too, and may have written the commit before.
    """
    return error.sqlstate is not None and error.diag.severity_nonlocalized == "ERROR"


def ids_of(nonces: list[str], rows: list[Row]) -> dict[str, int]:
    return {nonce: row["id"] for nonce, row in zip(nonces, rows, strict=False)}


class Client:
    def __init__(self, dsn: str, journal: Journal, dice: random.Random) -> None:
        self.dsn = dsn
        self.journal = journal
        self.dice = dice
        self.name = journal.who
        self.orders = Orders(self.name, dice)
        self.batches: list[int] = []  # that it opened
        self._connection: psycopg.Connection[Row] | None = None
        self.held: list[Row] = []
        self.stale: list[Row] = []  # ended, or lost

    # Talking to the database

    def connection(self) -> psycopg.Connection[Row]:
        if self._connection is None or self._connection.closed:
            try:
                self._connection = psycopg.connect(
                    self.dsn,
                    autocommit=True,
                    row_factory=dict_row,
                    options=f"-c idle_in_transaction_session_timeout={IDLE}s"
                    f" -c statement_timeout={self.dice.choice([0, 0, 0, 100])}",
                    **CONNECT,
                )
            except psycopg.Error as error:
                raise Lost from error
        return self._connection

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def call(
        self,
        name: str,
        asked: Row,
        work: Callable[[psycopg.Connection[Row]], Any],
        *,
        roll_back: bool = False,
    ) -> Any:
        """Journals the question, does the work, journals the answer; None where there was none."""
        connection = self.connection()
        number = self.journal.ask(name, asked)
        try:
            if roll_back or asked.get("transaction"):
                with connection.transaction(force_rollback=roll_back):
                    if asked.get("strict"):
                        connection.execute("set transaction isolation level serializable")
                    told = work(connection)
                    if asked.get("idles"):
                        time.sleep(IDLE * 1.5)
            else:
                told = work(connection)
        except psycopg.Error as error:
            if was_not_done(error):
                self.journal.answer(number, REFUSED, error.sqlstate)
                return None
            self.journal.answer(number, UNKNOWN, str(error)[:200])
            self.close()
            raise Lost from error
        self.journal.answer(number, UNDONE if roll_back else DONE, told)
        return told

    # What a producer does

    def enqueue(self) -> None:
        self.enqueue_these(self.orders.some())

    def enqueue_these(self, jobs: list[Row]) -> None:
        asked: Row = {**noted(jobs), **self.whims()}
        alone = len(jobs) == 1 and "handle" not in jobs[0]

        def work(connection: psycopg.Connection[Row]) -> Row:
            if alone:
                names = ", ".join(f"{name} => %({name})s" for name in jobs[0])
                sent = {**jobs[0], "payload": Jsonb(jobs[0]["payload"])}
                query = f"select forge.enqueue({names}) as id"
                rows = connection.execute(query.encode(), sent).fetchall()
            else:
                rows = connection.execute(
                    "select id from forge.enqueue_many(%s)", (Jsonb(jobs),)
                ).fetchall()
            return {"ids": ids_of(asked["nonces"], rows)}

        self._enqueue(asked, work)

    def enqueue_batch(self) -> None:
        callback, jobs = self.orders.batch()
        asked = {**noted([callback, *jobs]), **self.whims()}
        asked["callback"] = callback["payload"]["nonce"]

        def work(connection: psycopg.Connection[Row]) -> Row:
            (row,) = connection.execute(
                "select forge.enqueue_batch(%s, %s, %s, %s) as id",
                (Jsonb(jobs), callback["type"], Jsonb(callback["payload"]), callback["queue"]),
            ).fetchall()
            return {"ids": ids_of(asked["nonces"], [row])}

        self._enqueue(asked, work)

    def open_batch(self) -> None:
        callback, _ = self.orders.batch()
        asked = {**noted([callback]), **self.whims()}

        def work(connection: psycopg.Connection[Row]) -> Row:
            (row,) = connection.execute(
                "select forge.open_batch(%s, %s, %s) as id",
                (callback["type"], Jsonb(callback["payload"]), callback["queue"]),
            ).fetchall()
            return {"ids": ids_of(asked["nonces"], [row])}

        told = self._enqueue(asked, work)
        if told is not None:
            self.batches += told["ids"].values()

    def join_batch(self) -> None:
        if not self.batches:
            self.open_batch()
            return
        batch = self.dice.choice(self.batches[-5:])
        _, jobs = self.orders.batch()
        asked = {**noted(jobs), **self.whims(), "batch": batch}

        def work(connection: psycopg.Connection[Row]) -> Row:
            rows = connection.execute(
                "select id from forge.enqueue_many(%s)",
                (Jsonb([{**job, "batch": batch} for job in jobs]),),
            ).fetchall()
            return {"ids": ids_of(asked["nonces"], rows)}

        self._enqueue(asked, work)

    def close_batch(self) -> None:
        if self.batches:
            id = self.batches.pop(0)
            self.simple("close_batch", "select * from forge.close_batch(%(id)s)", id=id)

    def _enqueue(self, asked: Row, work: Callable[[psycopg.Connection[Row]], Row]) -> Row | None:
        undo = self.dice.random() < 0.1
        told: Row | None = self.call("enqueue", asked, work, roll_back=undo)
        if told is None or undo:
            return None
        self.orders.mine += told["ids"].values()
        return told

    def whims(self) -> Row:
        """How the caller goes about it: in a transaction, a strict one, one in which it idles."""
        whims: Row = {"transaction": self.dice.random() < 0.5}
        if whims["transaction"]:
            whims["strict"] = self.dice.random() < 0.1
            whims["idles"] = self.dice.random() < 0.02
        return whims

    # What a worker does

    def claim(self) -> None:
        self.claim_from(self.dice.choice(QUEUES), self.dice.choice([1, 2, 10]))

    def claim_from(self, queue: str, most: int) -> None:
        done = self.take_held() if self.dice.random() < 0.5 else []
        name = "exchange" if done else "dequeue"
        asked = {
            "ids": [job["id"] for job in done],
            "leases": [job["lease"] for job in done],
            "queue": queue,
        }

        def work(connection: psycopg.Connection[Row]) -> Row:
            lost: set[str] = set()

            def heed(warning: psycopg.errors.Diagnostic) -> None:
                if warning.sqlstate == "JQ002":
                    lost.update((warning.message_detail or "").removeprefix("ids=").split(","))

            ending = "ids => %(ids)s::bigint[], leases => %(leases)s::uuid[], " if done else ""
            connection.add_notice_handler(heed)
            try:
                rows = connection.execute(
                    f"select id, lease::text, attempts from forge.{name}({ending}"
                    "queue => %(queue)s, worker => %(worker)s, max_jobs => %(most)s, "
                    "lease => %(lease)s::interval)".encode(),
                    {**asked, "worker": self.name, "most": most, "lease": LEASE},
                ).fetchall()
            finally:
                connection.remove_notice_handler(heed)
            ended = {str(job["id"]): "COMPLETED" for job in done if str(job["id"]) not in lost}
            return {"claimed": rows, "ended": ended}

        told = self.call(name, asked, work)
        if told is not None:
            self.held += told["claimed"]

    def take_held(self) -> list[Row]:
        """Some jobs to end; not two claims of one job, which one call cannot name."""
        taken = {job["id"]: job for job in self.held[: self.dice.choice([1, 3, 10])]}
        for job in taken.values():
            self.held.remove(job)
        # At times with one among them that is not its own any more.
        if self.stale and self.dice.random() < 0.2:
            stale = self.dice.choice(self.stale[-50:])
            taken.setdefault(stale["id"], stale)
        self.stale += taken.values()
        return list(taken.values())

    def end(self) -> None:
        if self.held:
            job = self.held.pop(0)
            self.stale.append(job)
            self.end_one(job)

    def end_stale(self) -> None:
        if self.stale:
            self.end_one(self.dice.choice(self.stale[-50:]))

    def end_one(self, job: Row) -> None:
        how = self.dice.choice(["complete", "complete", "fail", "release", "snooze"])
        asked: Row = {"ids": [job["id"]], "leases": [job["lease"]]}
        asked |= self.whims()
        if how == "complete":
            asked["result"] = uuid.UUID(int=self.dice.getrandbits(128)).hex
            query = "select forge.complete(%(id)s, %(lease)s, %(result)s) as told"
        elif how == "fail":
            query = (
                "select status as told from forge.fail(%(id)s, %(lease)s, 'no', error_type => 'No')"
            )
        elif how == "release":
            query = "select to_status as told from forge.release(%(id)s, %(lease)s)"
        else:
            query = "select to_status as told from forge.snooze(%(id)s, %(lease)s, '0.1 seconds')"

        def work(connection: psycopg.Connection[Row]) -> Row:
            sent = {**job, "result": Jsonb(asked.get("result"))}
            (row,) = connection.execute(query.encode(), sent).fetchall()
            # true of complete: it is COMPLETED now; false: it was by this lease before
            told = "COMPLETED" if row["told"] is True else row["told"]
            return {"ended": {str(job["id"]): told}}

        try:
            self.call(how, asked, work)
        except Lost:
            # The answer is lost: ask again, as a careful worker does.
            self.held.append(job)
            raise

    def complete_many(self) -> None:
        jobs = self.take_held()
        if not jobs:
            return
        asked = {"ids": [job["id"] for job in jobs], "leases": [job["lease"] for job in jobs]}

        def work(connection: psycopg.Connection[Row]) -> Row:
            rows = connection.execute(
                "select id from forge.complete_many(%(ids)s::bigint[], %(leases)s::uuid[]) as id",
                asked,
            ).fetchall()
            return {"ended": {str(row["id"]): "COMPLETED" for row in rows}}

        self.call("complete_many", asked, work)

    def heartbeat(self) -> None:
        beaten = self.held[-20:] + self.stale[-5:]
        if not beaten:
            return
        asked = {
            "ids": [job["id"] for job in beaten],
            "leases": [job["lease"] for job in beaten],
            "extend": 2,
        }

        def work(connection: psycopg.Connection[Row]) -> list[Row]:
            return connection.execute(
                "select * from forge.heartbeat(%(worker)s, %(ids)s::bigint[], %(leases)s::uuid[],"
                " make_interval(secs => %(extend)s))",
                {**asked, "worker": self.name},
            ).fetchall()

        told = self.call("heartbeat", asked, work)
        lost = {row["id"] for row in told or () if row["reason"] == "lease_lost"}
        self.stale += [job for job in self.held if job["id"] in lost]
        self.held = [job for job in self.held if job["id"] not in lost]

    def progress(self) -> None:
        """Of a job that it has, or had."""
        if known := self.held[-5:] + self.stale[-2:]:
            job = self.dice.choice(known)
            asked = {"ids": [job["id"]], "leases": [job["lease"]], "value": self.dice.random()}
            query = "select forge.progress(%(id)s, %(lease)s, %(value)s)"
            self.call("progress", asked, lambda on: on.execute(query, {**job, **asked}).rowcount)

    # What an operator does, and the clock

    def tick(self) -> None:
        self.simple("tick", "select task, count from forge.tick() where count > 0")

    def cancel(self) -> None:
        if self.orders.mine:
            id = self.dice.choice(self.orders.mine[-50:])
            self.simple("cancel", "select * from forge.cancel(%(id)s)", id=id)

    def retry(self) -> None:
        if self.orders.mine:
            self.retry_one(self.dice.choice(self.orders.mine[-200:]))

    def retry_one(self, id: int) -> None:
        self.simple("retry", "select * from forge.retry(%(id)s)", id=id)

    def discard(self) -> None:
        oldest = "select d.* from forge.list_dead(max_rows => 1) as l, forge.discard(l.id) as d"
        self.simple("discard", oldest)

    def retry_dead(self) -> None:
        self.simple("retry_dead", "select * from forge.retry_dead(max_jobs => 5)")

    def run_schedule(self) -> None:
        self.simple("run_schedule", "select forge.run_schedule('each second')")

    def simple(self, name: str, query: str, **asked: Any) -> None:
        self.call(name, asked, lambda on: on.execute(query.encode(), asked).fetchall())

    # All of it

    def step(self) -> None:
        todo: list[tuple[float, Callable[[], None]]] = [
            (8, self.enqueue),
            (1, self.enqueue_batch),
            (1, self.join_batch),
            (1, self.close_batch),
            (14, self.claim),
            (14, self.end),
            (6, self.complete_many),
            (4, self.end_stale),
            (5, self.heartbeat),
            (2, self.progress),
            (4, self.tick),
            (1, self.cancel),
            (1, self.retry),
            (1, self.discard),
            (1, self.retry_dead),
            (0.2, self.run_schedule),
        ]
        (action,) = self.dice.choices([what for _, what in todo], [weight for weight, _ in todo])
        action()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--dsn", required=True)
    parser.add_argument("--journal", type=Path, required=True)
    parser.add_argument("--name", required=True)
    parser.add_argument("--seed", required=True)
    parser.add_argument("--pace", type=float, default=0.005)
    options = parser.parse_args()
    over = False

    def stop(*_: object) -> None:
        nonlocal over
        over = True

    signal.signal(signal.SIGTERM, stop)
    client = Client(
        options.dsn, Journal(options.journal, options.name), random.Random(options.seed)
    )
    while not over:
        with contextlib.suppress(Lost):
            client.step()
            time.sleep(client.dice.random() * 2 * options.pace)
            continue
        time.sleep(0.1)
    client.close()


if __name__ == "__main__":
    main()
