"""A worker lives as long as its session: what the ticks of others make of one that has ended."""

from __future__ import annotations

from tests.concurrency.racing import Racer, claim, counts, gone, status
from tests.database import Clock, Database

Pair = tuple[Racer, Racer]


def test_the_jobs_of_a_worker_whose_session_ended_come_back_at_the_second_look(
    db: Database, clock: Clock, pair: Pair
) -> None:
    job_id = db.value("select forge.enqueue('t')")
    worker, other = pair
    worker.run("select forge.register_worker('w', array['default'])")
    claim(db)

    assert "suspect_workers" not in counts(other)
    gone(db, worker)
    first = counts(other)
    too_soon = counts(other)
    clock.advance(seconds=0.3)
    second = counts(other)

    assert first["suspect_workers"] == 1
    assert "lost_workers" not in too_soon
    assert second["lost_workers"] == second["jobs_of_lost_workers"] == 1
    (job,) = db.rows("select status, attempts, errors from forge.job(%(id)s)", id=job_id)
    assert (job["status"], job["attempts"]) == ("PENDING", 1)
    assert job["errors"][0]["error_type"] == "WorkerLost"
    assert db.rows("select worker from forge.list_workers()") == []
    assert [again["id"] for again in claim(db)] == [job_id]


def test_a_worker_that_reconnects_between_two_looks_keeps_its_jobs(
    db: Database, clock: Clock, pair: Pair
) -> None:
    job_id = db.value("select forge.enqueue('t')")
    worker, other = pair
    worker.run("select forge.register_worker('w', array['default'])")
    claim(db)
    gone(db, worker)
    assert counts(other)["suspect_workers"] == 1

    again = db.connect()
    again.execute("select forge.register_worker('w', array['default'])")
    clock.advance(seconds=1)
    looks = [counts(other), counts(other)]

    assert all("suspect_workers" not in look and "lost_workers" not in look for look in looks)
    assert status(db, job_id) == "PROCESSING"


def test_a_worker_that_ticks_on_its_own_session_does_not_bury_itself(
    db: Database, clock: Clock, pair: Pair
) -> None:
    worker, _ = pair
    worker.run("select forge.register_worker('w', array['default'])")

    for _ in range(3):
        clock.advance(seconds=1)
        assert "suspect_workers" not in counts(worker)

    assert db.value("select alive from forge.list_workers()") is True


def test_a_worker_that_registers_twice_on_one_session_holds_one_lock(
    db: Database, pair: Pair
) -> None:
    worker, other = pair
    for _ in range(3):
        worker.run("select forge.register_worker('w', array['default'])")

    held = "select count(*) from pg_locks where locktype = 'advisory' and pid = %(pid)s"
    assert db.value(held, pid=worker.pid) == 1
    worker.run("select forge.unregister_worker('w')")
    assert db.value(held, pid=worker.pid) == 0
    assert "suspect_workers" not in counts(other)


def test_a_lost_worker_whose_job_is_just_being_completed_does_not_lose_it(
    db: Database, clock: Clock, pair: Pair
) -> None:
    db.rows("select forge.enqueue('t')")
    worker, other = pair
    worker.run("select forge.register_worker('w', array['default'])")
    (job,) = claim(db)
    gone(db, worker)
    hands = db.connect(autocommit=False)  # it lives on, only its listening session is gone
    hands.execute("select forge.complete(%(id)s, %(lease)s)", job)

    counts(other)
    clock.advance(seconds=1)
    tasks = counts(other)
    hands.commit()

    assert tasks["lost_workers"] == 1
    assert "jobs_of_lost_workers" not in tasks
    assert status(db, job["id"]) == "COMPLETED"
