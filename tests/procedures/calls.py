"""Calls to Forge's functions on one connection, and jobs in whatever status a test begins with."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

import psycopg
import pytest
from psycopg import sql
from psycopg.errors import Diagnostic
from psycopg.rows import DictRow
from psycopg.types.json import Jsonb

from tests.database import Conn

# Where something about a job could be changed; `tick_tasks` and `settings` are not about one.
TABLES = ("jobs", "history", "dead_jobs", "tallies", "workers", "queues")
NO_LEASE = UUID("00000000-0000-4000-8000-000000000000")  # the same in every process of a run


class Calls:
    """`call.rows("dequeue", max_jobs=2)`: every argument by name, a dict as jsonb."""

    def __init__(self, connection: Conn) -> None:
        self.connection = connection

    def rows(self, function: str, /, **arguments: object) -> list[DictRow]:
        given = {k: Jsonb(v) if isinstance(v, dict) else v for k, v in arguments.items()}
        named = sql.SQL(", ").join(
            sql.SQL("{} => {}").format(sql.Identifier(name), sql.Placeholder(name))
            for name in given
        )
        query = sql.SQL("select * from forge.{}({})").format(sql.Identifier(function), named)
        return self.connection.execute(query, given).fetchall()

    def row(self, function: str, /, **arguments: object) -> DictRow:
        (row,) = self.rows(function, **arguments)
        return row

    def value(self, function: str, /, **arguments: object) -> Any:
        (value,) = self.row(function, **arguments).values()
        return value

    def refusal(self, code: str, function: str, /, **arguments: object) -> Diagnostic:
        """What the error with this SQLSTATE says."""
        with pytest.raises(psycopg.Error) as caught, self.connection.transaction():
            self.rows(function, **arguments)
        assert caught.value.sqlstate == code, caught.value
        return caught.value.diag

    def refusal_of(self, code: str, statement: str) -> Diagnostic:
        """What the error with this SQLSTATE says of a statement."""
        with pytest.raises(psycopg.Error) as caught, self.connection.transaction():
            self.connection.execute(statement.encode())
        assert caught.value.sqlstate == code, caught.value
        return caught.value.diag

    def select(self, query: str, *values: object) -> list[DictRow]:
        cursor = self.connection.execute(query.encode(), values or None)
        return cursor.fetchall() if cursor.description else []

    def one(self, query: str, *values: object) -> Any:
        ((value,),) = (row.values() for row in self.select(query, *values))
        return value

    def everything(self) -> dict[str, list[DictRow]]:
        """Every row that a call for one job could change."""
        return {t: self.select(f"select * from forge.{t} as t order by t::text") for t in TABLES}

    def enqueue(self, type: str | None = "email", **arguments: object) -> int:
        job_id: int = self.value("enqueue", type=type, **arguments)
        return job_id

    def enqueue_many(self, *jobs: object) -> list[DictRow]:
        return self.rows("enqueue_many", jobs=Jsonb(list(jobs)))

    def job(self, job_id: int) -> DictRow:
        return self.row("job", id=job_id)

    def status(self, job_id: int) -> str | None:
        found = self.rows("job", id=job_id)
        return found[0]["status"] if found else None

    def claim(self, **arguments: object) -> DictRow:
        return self.row("dequeue", **{"worker": "w", **arguments})

    def running(self, **arguments: object) -> DictRow:
        """A claimed job, with its lease."""
        job_id = self.enqueue(**{"queue": "running", **arguments})  # type: ignore[arg-type]
        job = self.claim(queue=arguments.get("queue", "running"))
        assert job["id"] == job_id
        return job

    def fail(self, job: DictRow, **arguments: object) -> DictRow:
        given = {"error": "boom", **arguments}
        return self.row("fail", id=job["id"], lease=job["lease"], **given)

    def complete(self, job: DictRow, **arguments: object) -> Any:
        return self.value("complete", id=job["id"], lease=job["lease"], **arguments)

    def dead(self, error: str = "boom", **arguments: object) -> int:
        job = self.running(**arguments)
        assert self.fail(job, error=error, retryable=False)["status"] == "DEAD"
        return int(job["id"])

    def completed(self, **arguments: object) -> int:
        job = self.running(**arguments)
        assert self.complete(job) is True
        return int(job["id"])

    def cancelled(self, **arguments: object) -> int:
        job_id = self.enqueue(**arguments)  # type: ignore[arg-type]
        self.rows("cancel", id=job_id)
        return job_id

    def waiting(self, **arguments: object) -> int:
        """A job that waits, for a batch to be closed."""
        options = {name: v for name, v in arguments.items() if name not in ("payload", "queue")}
        given = {name: v for name, v in arguments.items() if name not in options}
        return int(self.value("open_batch", type="email", options=options, **given))

    def in_status(self, status: str) -> int:
        makers: dict[str, Callable[[], int]] = {
            "WAITING": self.waiting,
            "PENDING": self.enqueue,
            "PROCESSING": lambda: int(self.running()["id"]),
            "COMPLETED": self.completed,
            "DEAD": self.dead,
            "CANCELLED": self.cancelled,
        }
        return makers[status]()

    def tick(self) -> dict[str, int]:
        return {row["task"]: row["count"] for row in self.rows("tick")}
