"""A home for an embedded server, and how to look into it."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import psycopg
import pytest

from forge import embedded
from forge.cluster import Cluster
from forge.owner import Owner
from forge.pgbinaries import find_binaries


@pytest.fixture(autouse=True)
def installed() -> None:
    """In CI a missing package is a failure, not a skip."""
    if find_binaries() is None and os.environ.get("CI") != "true":
        pytest.skip("the extra `embedded` is not installed")


@pytest.fixture
def home(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A FORGE_HOME that is stopped and removed afterwards, and root's shelf beside it."""
    # Not tmp_path, which is closed to the account that the server runs as under root.
    base = Path(tempfile.mkdtemp(prefix="fe-", dir="/tmp"))
    base.chmod(0o755)
    monkeypatch.setattr(embedded, "SYSTEM_DIRECTORY", base / "system")
    yield base / "home"
    for data in (*base.glob("*/postgres"), *base.glob("system/*/postgres")):
        if (found := postmaster(data)) is not None:
            os.kill(found, signal.SIGQUIT)
            wait_until(partial(is_stopped, data))
    shutil.rmtree(base)


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def postmaster(data: Path) -> int | None:
    found = Cluster(Path(), data, Owner()).postmaster()
    return found.pid if found else None


def is_stopped(data: Path) -> bool:
    return postmaster(data) is None


def value(dsn: str, query: str) -> object:
    with psycopg.connect(dsn) as connection:
        row = connection.execute(query.encode()).fetchone()
    assert row is not None
    return row[0]


def store(dsn: str) -> None:
    with psycopg.connect(dsn) as connection:
        connection.execute("create table kept as select 1")
