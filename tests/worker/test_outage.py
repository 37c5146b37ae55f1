"""The database goes away under a running worker and comes back."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.database import Conn
from tests.worker.conftest import Gate, StartWorker
from tests.worker.own_server import OwnServer
from tests.worker.processes import until


@pytest.fixture
def own(monkeypatch: pytest.MonkeyPatch) -> Iterator[OwnServer]:
    made = OwnServer.make()
    if made is None:
        pytest.skip("no PostgreSQL programs to start a server from")
    if made.dsn != made.direct:
        monkeypatch.setenv("FORGE_LISTEN_URL", made.direct)
    yield made
    made.remove()


def enqueue(conn: Conn, type: str, gate: Gate, number: int) -> None:
    query = (
        "select forge.enqueue(%s, jsonb_build_object('at', %s::text)) from generate_series(1, %s)"
    )
    conn.execute(query, (type, str(gate.path), number))


def finished(conn: Conn) -> list[tuple[str, int]]:
    rows = conn.execute("select status, attempts from forge.history").fetchall()
    return [(row["status"], row["attempts"]) for row in rows]


def test_no_job_is_lost_when_the_database_restarts_under_a_running_worker(
    own: OwnServer, start: StartWorker, gate: Gate
) -> None:
    with own.connect() as conn:
        enqueue(conn, "gate", gate, 5)
        worker = start("--queue", "default=10", dsn=own.dsn)
        gate.wait_started(5)
        enqueue(conn, "noop", gate, 1)
        until(lambda: finished(conn) == [("COMPLETED", 1)])
    own.stop()
    until(lambda: worker.said("database.lost"))
    gate.open()  # they finish while there is nobody to tell
    own.start()
    with own.connect() as conn:
        until(lambda: len(finished(conn)) == 6)
        assert finished(conn) == [("COMPLETED", 1)] * 6
        until(
            lambda: (
                conn.execute("select worker from forge.list_workers() where alive").rowcount == 1
            )
        )
        enqueue(conn, "noop", gate, 1)
        until(lambda: len(finished(conn)) == 7)
    log = worker.log.read_text()
    assert log.count("database.lost") == log.count("database.back") == 1
    assert worker.alive


def test_a_worker_may_start_before_its_database(
    own: OwnServer, start: StartWorker, gate: Gate
) -> None:
    with own.connect() as conn:
        enqueue(conn, "noop", gate, 1)
    own.stop()
    worker = start(dsn=own.dsn)
    until(lambda: worker.said("database.lost"))
    own.start()
    with own.connect() as conn:
        until(lambda: finished(conn) == [("COMPLETED", 1)])
