"""Jobs in the statuses that the dashboard shows, made as a producer and a worker make them."""

from __future__ import annotations

import json
from typing import Any

from tests.database import Database


def enqueue(db: Database, type: str = "email", **options: Any) -> int:
    if "payload" in options:
        options["payload"] = json.dumps(options["payload"])
    named = ", ".join(f"{name} => %({name})s" for name in ("type", *options))
    id: int = db.value(f"select forge.enqueue({named})", type=type, **options)
    return id


def claim(db: Database, queue: str = "default") -> dict[str, Any]:
    (job,) = db.rows("select * from forge.dequeue(%s, 'a-worker')", queue)
    return job


def complete(db: Database, queue: str = "default", result: Any = None) -> int:
    job = claim(db, queue)
    db.value(
        "select forge.complete(%s, %s, %s::jsonb)", job["id"], job["lease"], json.dumps(result)
    )
    id: int = job["id"]
    return id


def die(db: Database, type: str = "email", error: str = "no such user", **options: Any) -> int:
    """A dead job."""
    enqueue(db, type, **options)
    job = claim(db, options.get("queue", "default"))
    db.rows(
        "select * from forge.fail(%s, %s, error => %s, retryable => false,"
        " error_type => 'ValueError', traceback => 'Traceback: line 1')",
        job["id"],
        job["lease"],
        error,
    )
    id: int = job["id"]
    return id
