"""What was measured on: figures without it say nothing."""

from __future__ import annotations

import os
import platform
import subprocess
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import psycopg

from tests.bench.peers import install
from tests.bench.subjects import PEERS

ROOT = Path(__file__).parents[2]
SETTINGS = (
    "fsync",
    "synchronous_commit",
    "full_page_writes",
    "shared_buffers",
    "max_wal_size",
    "checkpoint_timeout",
    "autovacuum",
    "max_connections",
    "shared_preload_libraries",
)


def machine(dsn: str) -> dict[str, str]:
    """The hardware, and what the data is on where the server is ours to look into."""
    return {
        "processor": _first("/proc/cpuinfo", "model name") or platform.processor(),
        "cores": str(os.cpu_count()),
        "memory": _first("/proc/meminfo", "MemTotal"),
        "kernel": f"{platform.system()} {platform.release()}",
        "data on": _filesystem(_setting(dsn, "data_directory")),
    }


def versions(dsn: str, present: Sequence[str]) -> dict[str, str]:
    """Of everything that ran."""
    found = {
        "PostgreSQL": _setting(dsn, "server_version"),
        "Forge": f"{version('forge')} ({commit()})",
        "Python": platform.python_version(),
        "psycopg": version("psycopg"),
        "uvloop": _version("uvloop"),
    }
    if any(peer in present for peer in PEERS):
        found |= install.versions()
    return found


def settings(dsn: str) -> dict[str, str]:
    """Those of the server that speed depends on."""
    return {name: _setting(dsn, name) for name in SETTINGS}


def commit() -> str:
    """The checkout's, with a + where what is measured was changed since."""
    head = _git("rev-parse", "--short=10", "HEAD").stdout.strip() or "unknown"
    changed = _git("diff", "--quiet", "HEAD", "--", "app", "db", "procedures").returncode == 1
    return head + "+" * changed


def _git(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(("git", *words), cwd=ROOT, capture_output=True, text=True, check=False)


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def _setting(dsn: str, name: str) -> str:
    """Empty where it is not there, or not for everybody to see."""
    with psycopg.connect(dsn) as connection:
        row = connection.execute(
            "select current_setting(s.name) from pg_settings as s where s.name = %s", [name]
        ).fetchone()
    return str(row[0]) if row else ""


def _first(file: str, name: str) -> str:
    lines = Path(file).read_text().splitlines() if Path(file).exists() else []
    found = (line.partition(":")[2].strip() for line in lines if line.startswith(name))
    return next(found, "")


def _filesystem(directory: str) -> str:
    """The kind and device of the longest mount point above the directory."""
    if not (directory and Path(directory).exists()):
        return "another machine"
    mounts = [line.split() for line in Path("/proc/mounts").read_text().splitlines()]
    above = [mount for mount in mounts if Path(directory).is_relative_to(mount[1])]
    device, _, kind, *_ = max(above, key=lambda mount: len(mount[1]))
    return f"{kind} on {device}"
