"""The areas that routes are grouped by: what an operation is tagged with, and /docs' headings."""

from __future__ import annotations

AREAS = {
    "jobs": "Enqueue, look, change, cancel, run again; and what jobs wait for.",
    "dead letters": "Jobs whose retries are used up: by job or by error; back again, or away.",
    "schedules": "What is enqueued again and again.",
    "queues": "Pause and resume, retries, limits, how much they take in.",
    "types": "What jobs of a type retry, may take, and must carry.",
    "workers": "Who runs jobs, and how to have one claim no more.",
    "work": "For workers without an SQL driver: claim, finish, keep.",
    "in SQL": "Functions that run jobs, and tables whose changes make some.",
    "numbers": "How much, how fast, how late; live, too.",
    "system": "Health, settings, access, and what Forge says of itself.",
}

# By the first part of a path.
_OF = {
    "jobs": "jobs",
    "batches": "jobs",
    "conditions": "jobs",
    "dlq": "dead letters",
    "revivals": "dead letters",
    "schedules": "schedules",
    "next-runs": "schedules",
    "queues": "queues",
    "limits": "queues",
    "admissions": "queues",
    "types": "types",
    "schemas": "types",
    "retry-rules": "types",
    "workers": "workers",
    "worker": "work",
    "sql-handlers": "in SQL",
    "changes": "in SQL",
    "stats": "numbers",
    "events": "numbers",
    "metrics": "numbers",
    "warnings": "numbers",
    "session": "system",
    "tokens": "system",
    "health": "system",
    "settings": "system",
    "doctor": "system",
    "errors": "system",
    "transitions": "system",
    "migrations": "system",
}


def area_of(path: str) -> str:
    """The area of a path. Raises `KeyError` for a path that belongs nowhere yet: say where."""
    return _OF[path.split("/")[1]]
