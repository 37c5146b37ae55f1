"""Builders: jobs in the states that tests need, made by calling functions."""

from __future__ import annotations

from typing import Any

from tests.database import Database


def enqueue(db: Database, **arguments: Any) -> int:
    """A PENDING job."""
    values = {"type": "email", **arguments}
    names = ", ".join(f"{name} => %({name})s" for name in values)
    found: int = db.value(f"select forge.enqueue({names})", **values)
    return found


def run(db: Database, *, queue: str = "default") -> dict[str, Any]:
    """A PROCESSING job: the next one of the queue."""
    (row,) = db.rows("select id, lease from forge.dequeue(%s, 'a worker')", queue)
    return dict(row)


def dead(db: Database, *, error: str = "it broke", **arguments: Any) -> int:
    """A DEAD job."""
    job_id = enqueue(db, **arguments)
    claimed = run(db, queue=arguments.get("queue", "default"))
    assert claimed["id"] == job_id
    db.rows("select forge.fail(%s, %s, %s, false)", job_id, claimed["lease"], error)
    return job_id
