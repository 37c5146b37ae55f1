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

LEASE = "2 seconds"
QUEUES = ("plain", "limited", "fifo")
KEYS = [f"k{number}" for number in range(4)]
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
    """Whether the server itself says that the statement failed, so that nothing of it remains."""
    state = error.sqlstate
    return state is not None and not state.startswith(("08", "57P"))


class Client:
    def __init__(self, dsn: str, journal: Journal, dice: random.Random) -> None:
        self.dsn = dsn
        self.journal = journal
        self.dice = dice
        self.name = journal.who
        self._made = 0
        self._connection: psycopg.Connection[Row] | None = None
        self.held: list[Row] = []
        self.stale: list[Row] = []  # ended, or lost
        self.mine: list[int] = []  # jobs that it enqueued

    # Talking to the database

    def connection(self) -> psycopg.Connection[Row]:
        if self._connection is None or self._connection.closed:
            try:
                self._connection = psycopg.connect(
                    self.dsn, autocommit=True, row_factory=dict_row, **CONNECT
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
                    told = work(connection)
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
        many = self.dice.choice([1, 1, 1, 5, 20])
        jobs = [self.new_job() for _ in range(many)]
        nonces = [job["payload"]["nonce"] for job in jobs]
        asked = {"nonces": nonces, "transaction": self.dice.random() < 0.5}

        def work(connection: psycopg.Connection[Row]) -> Row:
            if many == 1:
                names = ", ".join(f"{name} => %({name})s" for name in jobs[0])
                sent = {**jobs[0], "payload": Jsonb(jobs[0]["payload"])}
                query = f"select forge.enqueue({names}) as id"
                rows = connection.execute(query.encode(), sent).fetchall()
            else:
                rows = connection.execute(
                    "select id from forge.enqueue_many(%s)", (Jsonb(jobs),)
                ).fetchall()
            return {"ids": {nonce: row["id"] for nonce, row in zip(nonces, rows, strict=True)}}

        undo = self.dice.random() < 0.1
        told = self.call("enqueue", asked, work, roll_back=undo)
        if told is not None and not undo:
            self.mine += told["ids"].values()

    def new_job(self) -> Row:
        self._made += 1
        queue = self.dice.choice([*QUEUES, "real"])
        job: Row = {
            "type": "chaos",
            "payload": {"nonce": f"{self.name}:{self._made}", "how": self.dice.random()},
            "queue": queue,
            "priority": self.dice.choice([0, 0, 0, 5, -5]),
        }
        if queue == "fifo" or (queue == "limited" and self.dice.random() < 0.5):
            job["concurrency_key"] = self.dice.choice(KEYS)
        if queue == "plain" and self.dice.random() < 0.3:
            job["unique_key"] = f"u{self.dice.randrange(20)}"
        return job

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
        asked["transaction"] = self.dice.random() < 0.3
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

    # What an operator does, and the clock

    def tick(self) -> None:
        self.simple("tick", "select task, count from forge.tick() where count > 0")

    def cancel(self) -> None:
        if self.mine:
            id = self.dice.choice(self.mine[-50:])
            self.simple("cancel", "select * from forge.cancel(%(id)s)", id=id)

    def retry(self) -> None:
        if self.mine:
            id = self.dice.choice(self.mine[-200:])
            self.simple("retry", "select * from forge.retry(%(id)s)", id=id)

    def discard(self) -> None:
        oldest = "select d.* from forge.list_dead(max_rows => 1) as l, forge.discard(l.id) as d"
        self.simple("discard", oldest)

    def retry_dead(self) -> None:
        self.simple("retry_dead", "select * from forge.retry_dead(max_jobs => 5)")

    def simple(self, name: str, query: str, **asked: Any) -> None:
        self.call(name, asked, lambda on: on.execute(query.encode(), asked).fetchall())

    # All of it

    def step(self) -> None:
        todo: list[tuple[int, Callable[[], None]]] = [
            (8, self.enqueue),
            (14, self.claim),
            (14, self.end),
            (6, self.complete_many),
            (4, self.end_stale),
            (5, self.heartbeat),
            (4, self.tick),
            (1, self.cancel),
            (1, self.retry),
            (1, self.discard),
            (1, self.retry_dead),
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
