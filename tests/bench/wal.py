"""What a server wrote to its log between two places of it."""

from __future__ import annotations

from typing import Any

from psycopg import Connection

INSPECT = "pg_walinspect"
# One record for each entry that gets into a B-tree: a split comes with the entry that needed it.
ENTRIES = ("INSERT_LEAF", "INSERT_POST", "SPLIT_L", "SPLIT_R")

Place = str


def here(connection: Connection[Any]) -> Place:
    """How far the log is on the disk, which a commit waits for: as far as it can be inspected."""
    return str(_value(connection, "select pg_current_wal_flush_lsn()"))


def written(connection: Connection[Any], start: Place, end: Place) -> float:
    """How many bytes there are between two places."""
    return float(_value(connection, "select pg_wal_lsn_diff(%s, %s)", end, start))


def can_inspect(connection: Connection[Any]) -> bool:
    """From PostgreSQL 15 on, where its contrib modules are installed, for superusers."""
    there = "select exists (select from pg_available_extensions where name = %s)"
    return bool(
        _value(connection, "show is_superuser") == "on" and _value(connection, there, INSPECT)
    )


def index_entries(connection: Connection[Any], start: Place, end: Place) -> float:
    """How many entries got into indexes, of whatever table."""
    connection.execute(f"create extension if not exists {INSPECT}".encode())
    query = """
        select coalesce(sum(s.count), 0) from pg_get_wal_stats(%s, %s, true) as s
        where s."resource_manager/record_type" = any(%s)
    """
    names = [f"Btree/{entry}" for entry in ENTRIES]
    return float(_value(connection, query, start, end, names))


def _value(connection: Connection[Any], query: str, *values: object) -> Any:
    row = connection.execute(query.encode(), values or None).fetchone()
    assert row is not None
    return row[0]
