"""A server that crashes or has no room, and a worker whose clock is wrong."""

from __future__ import annotations

import ast
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg.types.json import Jsonb

import forge.worker
from tests.chaos.conftest import make_own
from tests.database import SQL
from tests.worker.own_server import OwnServer
from tests.worker.processes import until

MEGABYTE = 2**20
# As large as a segment of the log, which the server makes before it needs it.
QUOTA = 16 * MEGABYTE


@pytest.fixture
def own() -> Iterator[OwnServer]:
    made = make_own()
    yield made
    made.remove()


@pytest.mark.skipif(shutil.which("prlimit") is None, reason="no prlimit to set a quota with")
def test_a_full_disk_loses_nothing_that_was_acknowledged(own: OwnServer) -> None:
    own.limit_files(QUOTA)
    acknowledged: set[int] = set()
    batch = [{"type": "t", "payload": {"ballast": secrets.token_hex(900)}} for _ in range(1000)]
    with own.connect() as conn:

        def fill() -> None:
            for _ in range(30):
                rows = conn.execute(
                    "select id from forge.enqueue_many(%s)", (Jsonb(batch),)
                ).fetchall()
                acknowledged.update(row["id"] for row in rows)

        with pytest.raises(psycopg.Error, match="could not extend file"):
            fill()
        assert acknowledged
        found = {row["id"] for row in conn.execute("select id from forge.jobs").fetchall()}
        assert found == acknowledged

    own.limit_files(None)
    with own.connect() as conn:
        done: set[int] = set()
        while jobs := conn.execute(
            "select id, lease from forge.dequeue(max_jobs => 1000)"
        ).fetchall():
            done |= {
                row["id"]
                for row in conn.execute(
                    "select id from forge.complete_many(%s, %s) as id",
                    ([job["id"] for job in jobs], [job["lease"] for job in jobs]),
                ).fetchall()
            }
        assert done == acknowledged
        assert conn.execute((SQL / "invariants.sql").read_bytes()).fetchall() == []


@pytest.mark.skipif(shutil.which("prlimit") is None, reason="no prlimit to set a quota with")
def test_a_log_without_room_ends_the_server_and_loses_nothing_that_was_acknowledged(
    own: OwnServer,
) -> None:
    acknowledged: set[int] = set()
    with own.connect() as conn:
        rows = conn.execute("select forge.enqueue('t') as id from generate_series(1, 100)")
        acknowledged |= {row["id"] for row in rows.fetchall()}
        (job,) = conn.execute("select id, lease from forge.dequeue()").fetchall()
        (done,) = conn.execute("select id, lease from forge.dequeue()").fetchall()
        conn.execute("select forge.complete(%(id)s, %(lease)s)", done)

        own.fill_the_log(QUOTA - 1)

        def go_on() -> None:
            while True:
                rows = conn.execute("select forge.enqueue('late') as id")
                acknowledged.update(row["id"] for row in rows.fetchall())

        with pytest.raises(psycopg.Error):
            go_on()

    # It cannot recover without room either, and gives up.
    until(lambda: not own.up, why="the server to end")
    assert "PANIC" in own.log
    own.start()

    with own.connect() as conn:
        rows = conn.execute("select id, status from forge.all_jobs")
        found = {row["id"]: row["status"] for row in rows.fetchall()}
        assert acknowledged <= found.keys()
        assert (found[job["id"]], found[done["id"]]) == ("PROCESSING", "COMPLETED")
        conn.execute("select forge.complete(%(id)s, %(lease)s)", job)
        assert conn.execute((SQL / "invariants.sql").read_bytes()).fetchall() == []


def test_what_was_acknowledged_outlives_a_crash_of_the_server(own: OwnServer) -> None:
    conn = own.connect()
    rows = conn.execute("select forge.enqueue('t') as id from generate_series(1, 3)").fetchall()
    first, second, third = (row["id"] for row in rows)
    done, held = conn.execute("select id, lease from forge.dequeue(max_jobs => 2)").fetchall()
    conn.execute("select forge.complete(%(id)s, %(lease)s)", done)
    conn.execute("begin")
    conn.execute("select forge.enqueue('t')")
    conn.execute("select forge.complete(%(id)s, %(lease)s)", held)

    own.stop()
    conn.close()
    own.start()

    with own.connect() as conn:
        rows = conn.execute("select id, status from forge.all_jobs").fetchall()
        assert {row["id"]: row["status"] for row in rows} == {
            first: "COMPLETED",
            second: "PROCESSING",
            third: "PENDING",
        }
        # The claim outlives it too: whoever holds the lease goes on where it was.
        conn.execute("select forge.complete(%(id)s, %(lease)s)", held)


def test_no_worker_goes_by_its_own_clock() -> None:
    """An hour fast or slow, it could end or keep a lease wrongly: it measures only how long."""
    wall = {"time", "time_ns", "now", "utcnow", "today", "localtime", "gmtime"}
    asked = []
    for source in Path(forge.worker.__path__[0]).glob("*.py"):
        for node in ast.walk(ast.parse(source.read_text())):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and node.func.attr in wall
                and isinstance(node.func.value, ast.Name)
                and node.func.value.id in ("time", "datetime", "date")
            ):
                asked.append(f"{source.name}:{node.lineno} {ast.unparse(node)}")
    assert asked == []
