"""A job that runs, and others who look, report and end its attempt at the same moment."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import psycopg
import pytest

from tests.concurrency.racing import Racer, claim, deadlocks, gate_before, status
from tests.database import Clock, Database

Pair = tuple[Racer, Racer]
FAIL = "select status from forge.fail(%(id)s, %(lease)s, 'took too long', error_type => 'Timeout')"
COMPLETE = "select forge.complete(%(id)s, %(lease)s) as done"
RELEASE = "select from forge.release(%(id)s, %(lease)s)"
LOG = "select forge.log(%(id)s, %(lease)s, %(message)s) as kept"
REPORT = """
select * from forge.report((
    select jsonb_agg(jsonb_build_object('id', u.id, 'lease', u.lease, 'progress', 0.5,
        'lines', '[{"message": "hello"}]'::jsonb) order by u.n)
    from unnest(%(ids)s::bigint[], %(leases)s::uuid[]) with ordinality as u (id, lease, n)
))
"""


def running(db: Database, number: int = 1, **options: Any) -> list[dict[str, Any]]:
    names = "".join(f", {name} => %({name})s" for name in options)
    for _ in range(number):
        db.rows(f"select forge.enqueue('t'{names})", **options)
    return [dict(job) for job in claim(db, number)]


BEAT = "select * from forge.heartbeat('w', %(ids)s, %(leases)s::uuid[], '1 day')"


def report(jobs: list[dict[str, Any]]) -> dict[str, Any]:
    return {"ids": [job["id"] for job in jobs], "leases": [job["lease"] for job in jobs]}


def messages(db: Database, id: int) -> list[str]:
    return [row["message"] for row in db.rows("select message from forge.job_log(%(id)s)", id=id)]


def timed_out(db: Database, clock: Clock) -> dict[str, Any]:
    (job,) = running(db, timeout="1 second")
    clock.advance(seconds=7)
    return job


def test_a_tick_passes_over_an_attempt_that_its_worker_ends(
    db: Database, clock: Clock, pair: Pair
) -> None:
    job = timed_out(db, clock)
    worker, ticker = pair
    worker.run("begin")
    worker.run(FAIL, id=job["id"], lease=job["lease"])
    assert {"task": "expired_leases"} not in ticker.run("select task from forge.tick()")
    worker.run("commit")
    assert len(db.value("select errors from forge.job(%(id)s)", id=job["id"])) == 1


def test_a_worker_that_comes_after_the_tick_is_refused(
    db: Database, clock: Clock, pair: Pair
) -> None:
    job = timed_out(db, clock)
    ticker, worker = pair
    ticker.run("begin")
    ticker.run("select * from forge.tick()")
    worker.start_and_wait_for_lock(COMPLETE, id=job["id"], lease=job["lease"])
    ticker.run("commit")
    with pytest.raises(psycopg.Error) as refused:
        worker.result()
    assert refused.value.sqlstate == "JQ002"
    (error,) = db.value("select errors from forge.job(%(id)s)", id=job["id"])
    assert error["error_type"] == "Timeout"


def test_an_attempt_that_ends_while_a_tick_finds_it_late_is_not_ended_twice(
    db: Database, clock: Clock, pair: Pair
) -> None:
    """A tick looks which attempts are late by their type, and only then takes their rows."""
    db.rows("select forge.set_type('t', timeout => '1 second')")
    (job,) = running(db)
    clock.advance(seconds=7)
    worker, ticker = pair

    lease_end = "forge._lease_end(timestamptz, timestamptz, interval)"
    with gate_before(db, lease_end) as open_gate:
        ticker.start_and_wait_for_lock("select task, count from forge.tick()")
        worker.run(RELEASE, id=job["id"], lease=job["lease"])
        open_gate()

    assert "timed_out" not in {row["task"] for row in ticker.result()}
    assert db.value("select errors from forge.job(%(id)s)", id=job["id"]) == []


def test_a_report_that_waited_for_the_end_of_its_job_says_that_it_is_lost(
    db: Database, pair: Pair
) -> None:
    (job,) = running(db)
    worker, reporter = pair
    worker.run("begin")
    worker.run(COMPLETE, id=job["id"], lease=job["lease"])
    reporter.start_and_wait_for_lock(REPORT, **report([job]))
    worker.run("commit")
    assert reporter.result() == [{"id": job["id"], "reason": "lease_lost"}]
    assert status(db, job["id"]) == "COMPLETED"
    assert messages(db, job["id"]) == []


def test_reports_of_the_same_jobs_in_opposite_orders_do_not_deadlock(
    db: Database, pair: Pair
) -> None:
    jobs = running(db, 2)
    before = deadlocks(db)
    first, second = pair
    first.run("begin")
    first.run(REPORT, **report(jobs))
    second.start_and_wait_for_lock(REPORT, **report(jobs[::-1]))
    first.run(REPORT, **report(jobs[::-1]))
    first.run("commit")
    assert second.result() == []
    assert deadlocks(db) == before
    assert [len(messages(db, job["id"])) for job in jobs] == [3, 3]


def test_a_line_waits_for_nobody_and_is_seen_when_it_is_committed(db: Database, pair: Pair) -> None:
    (job,) = running(db)
    handler, worker = pair
    handler.run("begin")
    handler.run(LOG, id=job["id"], lease=job["lease"], message="in its transaction")
    handler.run("update forge.jobs set progress = 0.1")  # and it holds the row
    worker.run(LOG, id=job["id"], lease=job["lease"], message="beside it")
    assert messages(db, job["id"]) == ["beside it"]
    handler.run("commit")
    assert messages(db, job["id"]) == ["in its transaction", "beside it"]


def test_two_who_fill_a_log_at_once_exceed_it_by_no_more_than_one_each(
    db: Database, pair: Pair
) -> None:
    db.rows("select forge.set_log(lines => 3)")
    (job,) = running(db)
    for racer in pair:
        racer.run("begin")
    for racer in pair * 4:
        racer.run(LOG, id=job["id"], lease=job["lease"], message="hello")
    for racer in pair:
        racer.run("commit")
    assert 3 < len(messages(db, job["id"])) <= 8
    (kept,) = pair[0].run(LOG, id=job["id"], lease=job["lease"], message="hello")
    assert kept == {"kept": False}


def test_a_look_for_cancellations_waits_for_nobody(db: Database, pair: Pair) -> None:
    (job,) = running(db)
    canceller, looker = pair
    canceller.run("begin")
    canceller.run("select * from forge.cancel(%(id)s)", id=job["id"])
    look = "select * from forge.heartbeat('w', %(ids)s, %(leases)s::uuid[], extend => null)"
    assert looker.run(look, **report([job])) == []
    canceller.run("commit")
    assert looker.run(look, **report([job])) == [{"id": job["id"], "reason": "cancel_requested"}]


def test_heartbeats_for_the_same_jobs_in_opposite_orders_do_not_deadlock(
    db: Database, pair: Pair
) -> None:
    jobs = running(db, 2)
    before = deadlocks(db)
    first, second = pair
    first.run("begin")
    first.run(BEAT, **report(jobs[:1]))
    second.start_and_wait_for_lock(BEAT, **report(jobs[::-1]))
    first.run(BEAT, **report(jobs[1:]))
    first.run("commit")
    assert second.result() == []
    assert deadlocks(db) == before


@pytest.mark.parametrize("claimed_again", [True, False])
def test_a_heartbeat_that_waited_for_the_loss_of_its_job_extends_no_lease(
    db: Database, pair: Pair, claimed_again: bool
) -> None:
    (job,) = running(db)
    other, late = pair
    other.run("begin")
    other.run(RELEASE, id=job["id"], lease=job["lease"])
    if claimed_again:
        other.run("select forge.dequeue(worker => 'other', lease => '1 minute')")
    late.start_and_wait_for_lock(BEAT, **report([job]))
    other.run("commit")
    assert late.result() == [{"id": job["id"], "reason": "lease_lost"}]
    lease = "lease_expires_at - attempted_at as lease"
    (found,) = db.rows(f"select {lease} from forge.job(%(id)s)", id=job["id"])
    assert found["lease"] == (timedelta(minutes=1) if claimed_again else None)
