"""Sessions that hold, die, or ask for more isolation than a claim can be made under."""

from __future__ import annotations

import psycopg
import pytest

from tests.concurrency.racing import Racer, claim, counts, gone, status
from tests.database import Clock, Database

Pair = tuple[Racer, Racer]
DEQUEUE = "select id, lease from forge.dequeue(worker => 'w', max_jobs => 10)"
EXCHANGE = "select id, lease from forge.exchange(worker => 'w', max_jobs => 10)"


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
    assert counts(second) == {}  # a wait would end in the test's lock_timeout
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
