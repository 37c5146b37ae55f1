"""Two that end the same attempt: one waits for the other, and then does what is left to do."""

from __future__ import annotations

import psycopg
import pytest

from tests.concurrency.racing import Racer, claim, status
from tests.database import Clock, Database

Pair = tuple[Racer, Racer]
COMPLETE = "select forge.complete(%(id)s, %(lease)s) as done"
CANCEL = "select from_status, to_status from forge.cancel(%(id)s)"
CLAIM = "select id, lease from forge.dequeue(worker => 'w')"


def expired_job(db: Database, clock: Clock) -> tuple[int, str]:
    db.rows("select forge.enqueue('t')")
    (job,) = claim(db, lease="1 minute")
    clock.advance(minutes=2)
    return job["id"], job["lease"]


def test_a_complete_that_waited_for_the_reaper_is_refused(
    db: Database, clock: Clock, pair: Pair
) -> None:
    job_id, lease = expired_job(db, clock)
    reaper, worker = pair

    reaper.run("begin")
    assert {"task": "expired_leases", "count": 1} in reaper.run("select * from forge.tick()")
    worker.start_and_wait_for_lock(COMPLETE, id=job_id, lease=lease)
    reaper.run("commit")

    with pytest.raises(psycopg.Error) as refused:
        worker.result()
    assert refused.value.sqlstate == "JQ002"
    assert status(db, job_id) == "PENDING"


def test_a_reaper_passes_over_a_job_that_is_being_completed(
    db: Database, clock: Clock, pair: Pair
) -> None:
    job_id, lease = expired_job(db, clock)
    worker, reaper = pair

    worker.run("begin")
    assert worker.run(COMPLETE, id=job_id, lease=lease) == [{"done": True}]
    tasks = reaper.run("select task from forge.tick()")
    worker.run("commit")

    assert {"task": "expired_leases"} not in tasks
    assert status(db, job_id) == "COMPLETED"


def test_a_reaper_finds_the_job_again_when_its_completion_was_rolled_back(
    db: Database, clock: Clock, pair: Pair
) -> None:
    job_id, lease = expired_job(db, clock)
    worker, reaper = pair

    worker.run("begin")
    worker.run(COMPLETE, id=job_id, lease=lease)
    worker.run("rollback")
    tasks = reaper.run("select task from forge.tick()")

    assert {"task": "expired_leases"} in tasks
    assert status(db, job_id) == "PENDING"


def test_a_heartbeat_that_waited_for_the_reaper_hears_that_the_lease_is_lost(
    db: Database, clock: Clock, pair: Pair
) -> None:
    job_id, lease = expired_job(db, clock)
    reaper, worker = pair

    reaper.run("begin")
    reaper.run("select from forge.tick()")
    worker.start_and_wait_for_lock(
        "select * from forge.heartbeat('w', array[%(id)s]::bigint[], array[%(lease)s]::uuid[])",
        id=job_id,
        lease=lease,
    )
    reaper.run("commit")

    assert worker.result() == [{"id": job_id, "reason": "lease_lost"}]
    assert status(db, job_id) == "PENDING"


def test_a_second_complete_that_waited_learns_that_it_is_done(db: Database, pair: Pair) -> None:
    db.rows("select forge.enqueue('t')")
    (job,) = claim(db)
    first, second = pair

    first.run("begin")
    first.run(COMPLETE, id=job["id"], lease=job["lease"])
    second.start_and_wait_for_lock(COMPLETE, id=job["id"], lease=job["lease"])
    first.run("commit")

    assert second.result() == [{"done": False}]


def test_a_cancel_that_waited_for_a_claim_asks_its_worker(db: Database, pair: Pair) -> None:
    job_id = db.value("select forge.enqueue('t')")
    worker, operator = pair

    worker.run("begin")
    assert len(worker.run(CLAIM)) == 1
    operator.start_and_wait_for_lock(CANCEL, id=job_id)
    worker.run("commit")

    assert operator.result() == [{"from_status": "PROCESSING", "to_status": "PROCESSING"}]
    assert db.value("select cancel_requested_at from forge.job(%(id)s)", id=job_id) is not None


def test_a_claim_passes_over_a_job_that_is_being_cancelled(db: Database, pair: Pair) -> None:
    cancelled = db.value("select forge.enqueue('t')")
    other = db.value("select forge.enqueue('t')")
    operator, worker = pair

    operator.run("begin")
    operator.run(CANCEL, id=cancelled)
    (job,) = worker.run(CLAIM)
    operator.run("commit")

    assert job["id"] == other
    assert status(db, cancelled) == "CANCELLED"


def test_a_cancel_that_waited_for_a_complete_comes_too_late(db: Database, pair: Pair) -> None:
    db.rows("select forge.enqueue('t')")
    (job,) = claim(db)
    worker, operator = pair

    worker.run("begin")
    worker.run(COMPLETE, id=job["id"], lease=job["lease"])
    operator.start_and_wait_for_lock(CANCEL, id=job["id"])
    worker.run("commit")

    with pytest.raises(psycopg.Error) as refused:
        operator.result()
    assert refused.value.sqlstate == "JQ004"
    assert status(db, job["id"]) == "COMPLETED"


def test_a_complete_that_waited_for_a_cancel_wins(db: Database, pair: Pair) -> None:
    db.rows("select forge.enqueue('t')")
    (job,) = claim(db)
    operator, worker = pair

    operator.run("begin")
    operator.run(CANCEL, id=job["id"])
    worker.start_and_wait_for_lock(COMPLETE, id=job["id"], lease=job["lease"])
    operator.run("commit")

    assert worker.result() == [{"done": True}]
    assert status(db, job["id"]) == "COMPLETED"


def test_a_fail_that_waited_for_a_cancel_ends_the_job(db: Database, pair: Pair) -> None:
    db.rows("select forge.enqueue('t')")
    (job,) = claim(db)
    operator, worker = pair

    operator.run("begin")
    operator.run(CANCEL, id=job["id"])
    worker.start_and_wait_for_lock(
        "select status from forge.fail(%(id)s, %(lease)s, 'no')", id=job["id"], lease=job["lease"]
    )
    operator.run("commit")

    assert worker.result() == [{"status": "CANCELLED"}]


@pytest.mark.parametrize(
    "call", ["release(%(id)s, %(lease)s)", "snooze(%(id)s, %(lease)s, '1 hour')"]
)
def test_giving_back_what_was_cancelled_meanwhile_ends_the_job(
    db: Database, pair: Pair, call: str
) -> None:
    db.rows("select forge.enqueue('t')")
    (job,) = claim(db)
    operator, worker = pair

    operator.run("begin")
    operator.run(CANCEL, id=job["id"])
    worker.start_and_wait_for_lock(
        f"select to_status from forge.{call}", id=job["id"], lease=job["lease"]
    )
    operator.run("commit")

    assert worker.result() == [{"to_status": "CANCELLED"}]
    assert status(db, job["id"]) == "CANCELLED"


def test_a_dropped_queue_goes_but_for_what_somebody_holds(db: Database, pair: Pair) -> None:
    held, other = (db.value("select forge.enqueue('t', queue => 'old')") for _ in range(2))
    holder, dropper = pair
    drop = "select forge.drop_queue('old') as gone"

    holder.run("begin")
    holder.run(CANCEL, id=held)
    assert dropper.run(drop) == [{"gone": False}]
    assert db.rows("select from forge.job(%(id)s)", id=other) == []
    holder.run("rollback")
    assert status(db, held) == "PENDING"
    assert dropper.run(drop) == [{"gone": True}]


def test_an_exchange_that_waited_claims_by_the_time_after_that(
    db: Database, clock: Clock, pair: Pair
) -> None:
    clock.freeze()
    db.rows("select forge.enqueue('t')")
    (job,) = claim(db)
    db.rows("select forge.enqueue('t', scheduled_at => forge.now() + '5 minutes')")
    holder, worker = pair

    holder.run("begin")
    holder.run("select forge.progress(%(id)s, %(lease)s, 0.5)", id=job["id"], lease=job["lease"])
    worker.start_and_wait_for_lock(
        "select attempted_at, lease_expires_at - attempted_at = '1 minute' as whole "
        "from forge.exchange("
        "array[%(id)s]::bigint[], array[%(lease)s]::uuid[], lease => '1 minute')",
        id=job["id"],
        lease=job["lease"],
    )
    now = clock.advance(minutes=10)
    holder.run("commit")

    assert worker.result() == [{"attempted_at": now, "whole": True}]
