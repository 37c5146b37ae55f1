"""Who is measured: how its tables are made, which process runs it, and in which configuration."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from forge.migrate import migrate
from tests.bench.children import ask
from tests.bench.databases import Database
from tests.bench.payload import PAYLOAD, PAYLOAD_TEXT, QUEUE, TYPE
from tests.bench.peers import install

Task = dict[str, Any]

FLOOR, FORGE, LEAN = "floor", "forge", "forge-no-history"
FORGES = (FORGE, LEAN)
# The pages that these follow are named in NOTES.md.
PEERS: dict[str, Task] = {
    "graphile-worker": {
        "preset": {
            "concurrentJobs": 24,
            "maxPoolSize": 25,
            "localQueue": {"size": 500},
            "completeJobBatchDelay": 0,
            "failJobBatchDelay": 0,
        }
    },
    "pg-boss": {
        "instance": {"useListenNotify": True},
        "queue": {"notify": True},
        "worker": {"batchSize": 500, "localConcurrency": 2, "burstWhenBatchFull": True},
    },
    "procrastinate": {"concurrency": 10, "pool": 10, "delete_jobs": "always"},
    "pgqueuer": {"batch_size": 100},
}
UNFINISHED = {
    "forge": "select coalesce(sum(waiting + ready + processing), 0) from forge.stats()",
    "graphile-worker": "select count(*) from graphile_worker._private_jobs",
    "pg-boss": "select count(*) from pgboss.job where state < 'completed'",
    "procrastinate": "select count(*) from procrastinate_jobs where status in ('todo', 'doing')",
    "pgqueuer": "select count(*) from pgqueuer where status in ('queued', 'picked')",
}
FILL = 10_000  # the most that one call of forge.enqueue_many takes


@dataclass(frozen=True, kw_only=True)
class Subject:
    """`tables` names the template that it shares with others; `command` runs its own client."""

    name: str
    tables: str
    install: Callable[[Database], object]
    fill: Callable[[Database, int], object]
    command: Callable[[], list[str]] = list
    prepare: Callable[[Database], object] = lambda database: None
    ticks: bool = False
    configuration: Task = field(default_factory=dict)

    def task(self, name: str, database: Database, **words: Any) -> Task:
        """A task for its command: where, with which settings, and what else is to be known."""
        where = {"dsn": database.dsn, "url": database.url, "payload": PAYLOAD}
        return {"task": name, **where, **self.configuration, **words}

    def unfinished(self, database: Database) -> int:
        """How many jobs are not done yet."""
        return int(database.value(UNFINISHED[self.tables]))


def fill_floor(database: Database, jobs: int) -> None:
    database.rows(
        "insert into bare (queue, payload) select 'default', %s::jsonb from generate_series(1, %s)",
        PAYLOAD_TEXT,
        jobs,
    )


def fill_forge(
    database: Database, jobs: int, queue: str = QUEUE, due: str = "0", priority: int = 0
) -> None:
    """`due`: so much later than now."""
    for done in range(0, jobs, FILL):
        database.rows(
            "select count(*) from forge.enqueue_many((select jsonb_agg(jsonb_build_object("
            "'type', %s::text, 'queue', %s::text, 'payload', %s::jsonb,"
            " 'scheduled_at', now() + %s::interval, 'priority', %s::integer))"
            " from generate_series(1, %s)))",
            TYPE,
            queue,
            PAYLOAD_TEXT,
            due,
            priority,
            min(FILL, jobs - done),
        )


def _install_floor(database: Database) -> None:
    database.rows((Path(__file__).parent / "sql" / "floor_schema.sql").read_text())


def _keep_no_history(database: Database) -> None:
    database.rows("select from forge.set_queue(%s, keep_history => false)", QUEUE)


def _forge(name: str, **more: Any) -> Subject:
    return Subject(
        name=name,
        tables="forge",
        install=lambda database: migrate(database.dsn),
        fill=fill_forge,
        command=lambda: [sys.executable, "-m", "tests.bench.peers.forge_peer"],
        ticks=True,
        **more,
    )


def _peer(name: str, command: Callable[[], list[str]]) -> Subject:
    def asked(task: str, database: Database, **words: Any) -> None:
        ask(command(), subject.task(task, database, **words))

    subject = Subject(
        name=name,
        tables=name,
        install=lambda database: asked("install", database),
        fill=lambda database, jobs: asked("fill", database, jobs=jobs),
        command=command,
        configuration=PEERS[name],
    )
    return subject


def _python(module: str) -> Callable[[], list[str]]:
    return lambda: [*install.python(), "-m", f"tests.bench.peers.{module}"]


SUBJECTS = {
    subject.name: subject
    for subject in (
        Subject(name=FLOOR, tables=FLOOR, install=_install_floor, fill=fill_floor),
        _forge(FORGE),
        _forge(LEAN, prepare=_keep_no_history),
        _peer("graphile-worker", lambda: install.node("graphile_worker.mjs")),
        _peer("pg-boss", lambda: install.node("pg_boss.mjs")),
        _peer("procrastinate", _python("procrastinate_peer")),
        _peer("pgqueuer", _python("pgqueuer_peer")),
    )
}
