"""How a worker ends: gracefully, hastily, by force, and what becomes of its jobs."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable

from tests.database import Database
from tests.worker.conftest import Gate, StartWorker
from tests.worker.processes import until

Enqueue = Callable[..., list[int]]


def statuses(db: Database) -> dict[str, int]:
    rows = db.rows("select status, count(*) as n from forge.all_jobs group by status")
    return {row["status"]: row["n"] for row in rows}


def test_jobs_of_a_killed_worker_run_again_within_two_seconds(
    db: Database, start: StartWorker, enqueue: Enqueue, gate: Gate
) -> None:
    ids = enqueue("gate", 20)
    first = start("--queue", "default=20")
    gate.wait_started(20)
    second = start("--queue", "default=20")
    until(lambda: len(db.rows("select worker from forge.list_workers()")) == 2)
    first.send(signal.SIGKILL)
    killed = time.monotonic()
    gate.open()
    until(lambda: statuses(db) == {"COMPLETED": 20}, seconds=10)
    assert time.monotonic() - killed < 2.5
    rows = db.rows("select id, attempts, result, errors from forge.history order by id")
    assert [row["id"] for row in rows] == sorted(ids)
    assert {row["attempts"] for row in rows} == {2}
    assert {row["result"]["pid"] for row in rows} == {second.pid}
    assert {len(row["errors"]) for row in rows} == {1}


def test_sigterm_lets_running_jobs_finish_and_claims_no_more(
    db: Database, start: StartWorker, enqueue: Enqueue, gate: Gate
) -> None:
    enqueue("gate", 2)
    worker = start("--queue", "default=2")
    gate.wait_started(2)
    waiting = enqueue("gate", 3)
    worker.send(signal.SIGTERM)
    until(lambda: worker.said("worker.stops"))
    gate.open()
    assert worker.ends() == 0
    assert statuses(db) == {"COMPLETED": 2, "PENDING": 3}
    rows = db.rows("select id, attempts from forge.jobs order by id")
    assert rows == [{"id": id, "attempts": 0} for id in waiting]
    assert db.rows("select * from forge.list_workers()") == []


def test_a_claim_that_was_under_way_at_sigterm_is_given_back_unstarted(
    db: Database, start: StartWorker, enqueue: Enqueue, gate: Gate
) -> None:
    enqueue("gate", 2)
    holder = db.connect(autocommit=False)
    holder.execute("lock table forge.settings in access exclusive mode")  # every claim reads it
    worker = start("--queue", "default=2")
    waits = "select pid from pg_stat_activity where wait_event_type = 'Lock' and query ~ 'exchange'"
    until(lambda: bool(db.rows(waits)), why="the claim to wait")
    worker.send(signal.SIGTERM)
    until(lambda: worker.said("worker.stops"))
    holder.rollback()
    assert worker.ends() == 0
    rows = db.rows("select status, attempts from forge.jobs")
    assert [(row["status"], row["attempts"]) for row in rows] == [("PENDING", 0)] * 2
    assert gate.notes() == []


def test_jobs_over_the_grace_period_are_released_with_their_attempt_given_back(
    db: Database, start: StartWorker, enqueue: Enqueue, gate: Gate
) -> None:
    enqueue("gate")
    enqueue("gate_thread")
    enqueue("deaf")
    enqueue("deaf_thread")
    worker = start("--grace", "0.2")
    gate.wait_started(4)
    worker.send(signal.SIGTERM)
    assert worker.ends() == 0
    rows = db.rows("select status, attempts, errors from forge.jobs")
    assert [(row["status"], row["attempts"]) for row in rows] == [("PENDING", 0)] * 4
    assert len(gate.notes("ignored")) == 1


def test_a_second_signal_ends_at_once_and_gives_the_jobs_back(
    db: Database, start: StartWorker, enqueue: Enqueue, gate: Gate
) -> None:
    enqueue("gate", 2)
    enqueue("deaf_thread")
    worker = start("--grace", "60")
    gate.wait_started(3)
    worker.send(signal.SIGTERM)
    until(lambda: worker.said("worker.stops"))
    worker.send(signal.SIGINT)
    assert worker.ends(10) == 130
    rows = db.rows("select status, attempts from forge.jobs")
    assert [(row["status"], row["attempts"]) for row in rows] == [("PENDING", 0)] * 3


def test_a_handler_that_blocks_the_event_loop_does_not_stop_the_end(
    db: Database, start: StartWorker, enqueue: Enqueue, gate: Gate
) -> None:
    enqueue("blocking")
    worker = start("--grace", "0.1")
    gate.wait_started(1)
    worker.send(signal.SIGTERM)
    assert worker.ends() == 0
    rows = db.rows("select status, attempts from forge.jobs")
    assert rows == [{"status": "PENDING", "attempts": 0}]


def test_a_stopped_worker_that_wakes_after_its_lease_changes_nothing(
    db: Database, start: StartWorker, enqueue: Enqueue, gate: Gate
) -> None:
    (id,) = enqueue("gate")
    stopped = start("--lease", "1")
    gate.wait_started(1)
    stopped.send(signal.SIGSTOP)
    other = start("--lease", "1", "--poll-interval", "0.1")
    gate.wait_started(2)
    gate.open()
    until(lambda: statuses(db) == {"COMPLETED": 1})
    stopped.send(signal.SIGCONT)
    until(lambda: stopped.said("lease_lost"), why="the late acknowledgement to be refused")
    (row,) = db.rows("select attempts, result from forge.history where id = %s", id)
    assert row == {"attempts": 2, "result": {"pid": other.pid, "attempt": 2}}
    assert stopped.alive
    stopped.send(signal.SIGTERM)
    assert stopped.ends() == 0
