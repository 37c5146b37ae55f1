"""Sessions that hold, die, or ask for more isolation than a claim can be made under."""

from __future__ import annotations

import psycopg
import pytest

from tests.concurrency.racing import Racer, claim, status, until
from tests.database import Clock, Database

Pair = tuple[Racer, Racer]
DEQUEUE = "select id, lease from forge.dequeue(worker => 'w', max_jobs => 10)"
EXCHANGE = "select id, lease from forge.exchange(worker => 'w', max_jobs => 10)"
TICK = "select * from forge.tick()"


def gone(db: Database, racer: Racer) -> None:
    """End a session as a crash of its client would, and wait until the server is rid of it."""
    db.rows("select pg_terminate_backend(%(pid)s)", pid=racer.pid)
    until(lambda: not db.rows("select from pg_stat_activity where pid = %(pid)s", pid=racer.pid))


def counts(racer: Racer) -> dict[str, int]:
    return {row["task"]: row["count"] for row in racer.run(TICK)}


@pytest.mark.parametrize("call", [DEQUEUE, EXCHANGE])
def test_a_locked_row_keeps_no_other_job_from_being_claimed(
    db: Database, pair: Pair, call: str
) -> None:
    ids = [db.value("select forge.enqueue('t')") for _ in range(3)]
    holder, worker = pair

    holder.run("begin")
    holder.run("select from forge.jobs where id = %(id)s for update", id=ids[0])
    jobs = worker.run(call)
    holder.run("rollback")

    assert [job["id"] for job in jobs] == ids[1:]
    assert [job["id"] for job in claim(db)] == ids[:1]


@pytest.mark.parametrize("call", [DEQUEUE, EXCHANGE])
def test_a_claim_whose_backend_is_killed_was_never_made(
    db: Database, pair: Pair, call: str
) -> None:
    job_id = db.value("select forge.enqueue('t')")
    victim, _ = pair

    victim.run("begin")
    assert len(victim.run(call)) == 1
    gone(db, victim)

    assert db.rows("select status, attempts, worker from forge.job(%(id)s)", id=job_id) == [
        {"status": "PENDING", "attempts": 0, "worker": None}
    ]
    assert [job["id"] for job in claim(db)] == [job_id]


def test_a_completion_whose_backend_is_killed_leaves_the_lease_to_its_holder(
    db: Database, pair: Pair
) -> None:
    db.rows("select forge.enqueue('t')")
    (job,) = claim(db)
    victim, _ = pair
    lease = {"id": job["id"], "lease": job["lease"]}

    victim.run("begin")
    victim.run("select forge.complete(%(id)s, %(lease)s)", **lease)
    gone(db, victim)

    assert status(db, job["id"]) == "PROCESSING"
    assert db.value("select forge.complete(%(id)s, %(lease)s)", **lease) is True


@pytest.mark.parametrize("level", ["repeatable read", "serializable"])
@pytest.mark.parametrize("call", [DEQUEUE, EXCHANGE])
def test_a_claim_in_a_stricter_isolation_is_refused(
    db: Database, pair: Pair, call: str, level: str
) -> None:
    job_id = db.value("select forge.enqueue('t')")
    worker, _ = pair

    worker.run(f"begin isolation level {level}")
    with pytest.raises(psycopg.Error) as refused:
        worker.run(call)
    worker.run("rollback")

    assert refused.value.sqlstate == "JQ006"
    assert status(db, job_id) == "PENDING"


def test_of_two_ticks_at_once_the_second_returns_at_once(db: Database, pair: Pair) -> None:
    db.rows("select forge.enqueue('t')")
    db.rows("select forge.complete(j.id, j.lease) from forge.dequeue() as j")
    first, second = pair

    first.run("begin")
    assert counts(first)["tallies"] == 1
    assert second.run(TICK) == []  # a wait would end in the test's lock_timeout
    first.run("commit")


def test_a_tick_that_is_rolled_back_leaves_its_work_to_the_next(
    db: Database, clock: Clock, pair: Pair
) -> None:
    db.rows("select forge.enqueue('t')")
    claim(db, lease="1 minute")
    clock.advance(minutes=2)
    first, second = pair

    first.run("begin")
    assert counts(first)["expired_leases"] == 1
    first.run("rollback")

    assert counts(second)["expired_leases"] == 1


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
