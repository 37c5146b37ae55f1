"""Worker processes that end with their test, and the gate that their handlers wait at."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest

from tests.database import Database
from tests.worker.processes import WorkerProcess, until

StartWorker = Callable[..., WorkerProcess]


class Gate:
    """A directory in which handlers leave notes, and wait until it is open."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def open(self) -> None:
        (self.path / "open").touch()

    def notes(self, what: str = "started") -> list[str]:
        return sorted(note.name for note in self.path.glob(f"{what}-*"))

    def wait_started(self, number: int) -> list[str]:
        return until(
            lambda: notes if len(notes := self.notes()) >= number else [],
            why=f"{number} jobs to start",
        )


@pytest.fixture
def gate(tmp_path: Path) -> Gate:
    path = tmp_path / "gate"
    path.mkdir()
    return Gate(path)


@pytest.fixture
def start(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[StartWorker]:
    """Starts a worker on the test's database: `start("--lease", "2")`."""
    started: list[WorkerProcess] = []
    numbers = count()

    def start_worker(
        *options: str, dsn: str | None = None, app: str | None = "tests.worker.app:forge"
    ) -> WorkerProcess:
        if dsn is None:
            database: Database = request.getfixturevalue("db")
            dsn = database.dsn
        log = tmp_path / f"worker-{next(numbers)}.log"
        worker = WorkerProcess(dsn, log, *options, app=app)
        started.append(worker)
        return worker

    if "db" in request.fixturenames:
        request.getfixturevalue("db")  # made before, so that it is dropped after the workers
    yield start_worker
    for worker in started:
        worker.kill()
        print(f"--- {worker.log.name}\n{worker.log.read_text(errors='replace')}")


@pytest.fixture
def enqueue(db: Database, gate: Gate) -> Callable[..., list[int]]:
    """Adds jobs of a type whose handlers wait at the gate; their ids."""

    def add(type: str, number: int = 1, **options: object) -> list[int]:
        names = "".join(f", {name} => %({name})s" for name in options)
        query = (
            f"select forge.enqueue(%(type)s, jsonb_build_object('at', %(at)s::text){names}) as id "
            "from generate_series(1, %(number)s)"
        )
        rows = db.rows(query, type=type, at=str(gate.path), number=number, **options)
        return [row["id"] for row in rows]

    return add
