"""While jobs run: leases, cancellations, and what wakes a worker."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from tests.database import Clock, Database
from tests.worker.conftest import Gate, StartWorker
from tests.worker.processes import until

Enqueue = Callable[..., list[int]]


def status_of(db: Database, id: int) -> str | None:
    rows = db.rows("select status from forge.all_jobs where id = %s", id)
    return rows[0]["status"] if rows else None


def registered(db: Database, number: int = 1) -> bool:
    return len(db.rows("select worker from forge.list_workers() where alive")) == number


def test_a_handler_that_blocks_the_event_loop_keeps_its_lease(
    db: Database, start: StartWorker, enqueue: Enqueue, gate: Gate
) -> None:
    (id,) = enqueue("blocking")
    start("--lease", "1")
    gate.wait_started(1)
    query = "select lease_expires_at as at from forge.jobs where id = %s"
    first = db.value(query, id)
    until(lambda: (db.value(query, id) - first).total_seconds() > 1.5, why="the heart to beat on")
    gate.open()
    until(lambda: status_of(db, id) == "COMPLETED")
    assert db.value("select attempts from forge.all_jobs where id = %s", id) == 1


def test_a_worker_whose_event_loop_does_not_come_back_ends_for_its_supervisor(
    db: Database, start: StartWorker, enqueue: Enqueue, gate: Gate
) -> None:
    enqueue("blocking", 2)
    worker = start("--queue", "default=2", "--lease", "1", "--unwind", "0.1")
    (note,) = gate.wait_started(1)
    blocking = int(note.split("-")[1])
    (other,) = [row["id"] for row in db.rows("select id from forge.jobs where id <> %s", blocking)]
    until(lambda: status_of(db, other) == "PROCESSING", why="it to be held as well")

    db.rows("select forge.cancel(%s)", blocking)  # which nobody there ever hears

    assert worker.ends() == 1
    assert worker.said("worker.hangs")
    assert status_of(db, blocking) == "CANCELLED"
    assert status_of(db, other) == "PENDING"
    assert db.value("select attempts from forge.all_jobs where id = %s", other) == 0


def test_cancelling_a_running_job_reaches_its_handler_at_once(
    db: Database, start: StartWorker, enqueue: Enqueue, gate: Gate
) -> None:
    ids = [*enqueue("gate"), *enqueue("gate_thread")]
    start()  # a lease of 60 s: the next regular heartbeat is 20 s away
    gate.wait_started(2)
    asked = time.monotonic()
    for id in ids:
        db.rows("select forge.cancel(%s)", id)
    until(lambda: all(status_of(db, id) == "CANCELLED" for id in ids), seconds=5)
    assert time.monotonic() - asked < 2
    assert db.value("select count(*) from forge.jobs") == 0


def test_a_handler_that_ignores_its_cancellation_completes(
    db: Database, start: StartWorker, enqueue: Enqueue, gate: Gate
) -> None:
    (id,) = enqueue("deaf")
    start()
    gate.wait_started(1)
    db.rows("select forge.cancel(%s)", id)
    until(lambda: gate.notes("ignored"))
    gate.open()
    until(lambda: status_of(db, id) == "COMPLETED")


def test_a_notification_wakes_an_idle_worker_long_before_its_poll(
    db: Database, start: StartWorker, enqueue: Enqueue
) -> None:
    start("--poll-interval", "30")
    until(lambda: registered(db))
    until(lambda: db.value(BELLS) == 1, why="the bell to be hung")
    (first,) = enqueue("noop")
    until(lambda: status_of(db, first) == "COMPLETED", seconds=3)
    enqueued = time.monotonic()
    (second,) = enqueue("noop")
    until(lambda: status_of(db, second) == "COMPLETED", seconds=3)
    assert time.monotonic() - enqueued < 0.9  # the tick, each second, would tell of it too


def test_a_worker_whose_bell_another_took_along_learns_of_its_jobs_from_the_tick(
    db: Database, start: StartWorker, enqueue: Enqueue
) -> None:
    other = db.connect()
    other.execute("select forge.park('{default}')")
    start("--poll-interval", "30")
    until(lambda: registered(db))
    other.execute("select forge.unpark()")
    (first,) = enqueue("noop")
    until(lambda: status_of(db, first) == "COMPLETED", seconds=5)
    until(lambda: db.value(BELLS) == 1, why="the bell to be hung by the worker")


BELLS = """
select count(*) from pg_locks where locktype = 'advisory' and mode = 'ExclusiveLock' and granted
    and database = (select oid from pg_database where datname = current_database())
    and classid = forge._lock_space('doorbell')::bigint::oid
"""


def test_a_worker_that_only_polls_holds_no_lock_and_finds_its_jobs(
    db: Database, start: StartWorker, enqueue: Enqueue
) -> None:
    worker = start("--no-listen", "--poll-interval", "0.05")
    until(lambda: db.rows("select worker from forge.list_workers()"))
    (id,) = enqueue("noop")
    until(lambda: status_of(db, id) == "COMPLETED")
    assert db.value(BELLS) == 0
    listening = db.value(
        "select count(*) from pg_stat_activity"
        " where datname = current_database() and query ilike 'listen%%'"
    )
    assert (listening, worker.alive) == (0, True)


def test_jobs_of_other_types_stay_pending(
    db: Database, start: StartWorker, enqueue: Enqueue
) -> None:
    (other,) = enqueue("unheard_of")
    (known,) = enqueue("noop")
    start("--poll-interval", "0.05")
    until(lambda: status_of(db, known) == "COMPLETED")
    row = db.rows("select status, attempts from forge.jobs where id = %s", other)
    assert row == [{"status": "PENDING", "attempts": 0}]


def test_each_queue_has_its_own_concurrency(
    db: Database, start: StartWorker, enqueue: Enqueue, gate: Gate
) -> None:
    enqueue("gate", 5)
    enqueue("gate_thread", 5, queue="side")
    start("--queue", "default=3", "--queue", "side=1")
    gate.wait_started(4)
    running = "select queue, count(*) as n from forge.jobs where status = 'PROCESSING' group by 1"
    assert db.rows(f"{running} order by 1") == [
        {"queue": "default", "n": 3},
        {"queue": "side", "n": 1},
    ]
    gate.open()
    until(lambda: db.value("select count(*) from forge.history") == 10)
    assert len(gate.notes()) == 10


def test_slow_jobs_are_not_claimed_ahead(
    db: Database, start: StartWorker, enqueue: Enqueue, gate: Gate
) -> None:
    quick = enqueue("noop", 200)
    start("--queue", "default=2")
    until(lambda: db.value("select count(*) from forge.history") == len(quick))
    enqueue("gate", 60)
    gate.wait_started(2)
    # What was claimed ahead at the pace of the quick jobs goes back when the slots stay busy.
    until(lambda: db.value("select count(*) from forge.jobs where status = 'PROCESSING'") == 2)
    assert db.value("select max(attempts) from forge.jobs where status = 'PENDING'") == 0


def lose(db: Database, id: int) -> bool:
    """Lets the leases end at one stroke, before the next heartbeat; whether the job was lost."""
    with db.connect(autocommit=False) as conn:
        Clock(conn).advance(seconds=60)
        conn.execute("select from forge.tick()")
    return bool(
        db.value("select count(*) from forge.all_jobs where id = %s and errors <> '[]'", id)
    )


def test_a_handler_whose_lease_was_lost_is_stopped_and_its_result_dropped(
    db: Database, start: StartWorker, enqueue: Enqueue, gate: Gate
) -> None:
    (id,) = enqueue("gate")
    worker = start("--lease", "3", "--queue", "default=2")
    gate.wait_started(1)
    until(lambda: lose(db, id))
    gate.wait_started(2)  # the loss is noticed, and the job runs again, here
    until(lambda: worker.said("job.dropped"), why="the first run to be stopped")
    gate.open()
    until(lambda: status_of(db, id) == "COMPLETED")
    (row,) = db.rows("select attempts, result, errors from forge.all_jobs where id = %s", id)
    assert (row["attempts"], row["result"]["attempt"]) == (2, 2)
    assert len(row["errors"]) == 1


def test_finished_jobs_are_acknowledged_together(
    db: Database, start: StartWorker, enqueue: Enqueue
) -> None:
    enqueue("noop", 2_000)
    assert start("--drain").ends() == 0
    query = "select count(*) as jobs, count(distinct finished_at) as calls from forge.history"
    (row,) = db.rows(query)
    assert row["jobs"] == 2_000
    assert row["calls"] < 200


@pytest.mark.unpooled("nothing can be set for a shared session: see tests/pooler/test_sessions.py")
def test_a_database_that_defaults_to_another_isolation_is_served(
    db: Database, start: StartWorker, enqueue: Enqueue
) -> None:
    db.rows(f"alter database {db.name} set default_transaction_isolation = 'repeatable read'")
    (id,) = enqueue("noop")
    start()
    until(lambda: status_of(db, id) == "COMPLETED", seconds=5)
