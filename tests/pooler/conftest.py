"""Fixtures: a PgBouncer with two sessions a database, for everybody to share."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest

from tests.database import Database
from tests.pgbouncer import PgBouncer, program, residue
from tests.worker.processes import WorkerProcess

SESSIONS = 2

Start = Callable[..., WorkerProcess]


@pytest.fixture(scope="module")
def pooler(server: str) -> Iterator[PgBouncer]:
    if program() is None:
        assert os.environ.get("CI") != "true", "PgBouncer is missing"
        pytest.skip("no pgbouncer: apt-get install pgbouncer")
    made = PgBouncer(server, SESSIONS)
    yield made
    made.remove()


@pytest.fixture
def pooled(pooler: PgBouncer, db: Database, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The test's database through the pooler, by whose sessions nobody can tell that it was used.

    No FORGE_LISTEN_URL, unless the test sets it.
    """
    monkeypatch.delenv("FORGE_LISTEN_URL", raising=False)
    dsn = pooler.through(db.direct)
    yield dsn
    assert residue(dsn, SESSIONS) == []


@pytest.fixture
def start(pooled: str, tmp_path: Path) -> Iterator[Start]:
    """Starts a worker whose database is behind the pooler."""
    started: list[WorkerProcess] = []
    numbers = count()

    def start_worker(*options: str) -> WorkerProcess:
        worker = WorkerProcess(pooled, tmp_path / f"worker-{next(numbers)}.log", *options)
        started.append(worker)
        return worker

    yield start_worker
    for worker in started:
        worker.kill()
        print(f"--- {worker.log.name}\n{worker.log.read_text(errors='replace')}")
