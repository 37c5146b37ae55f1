"""Two that bring back or throw away the same dead job: the second sees what the first has done."""

from __future__ import annotations

import psycopg
import pytest

from tests.concurrency.racing import Racer, claim, status
from tests.database import Database

Pair = tuple[Racer, Racer]
FAIL = "select status from forge.fail(%(id)s, %(lease)s, 'no', retryable => false)"
CANCEL = "select from_status, to_status from forge.cancel(%(id)s)"
RETRY = "select from_status, to_status from forge.retry(%(id)s)"
DISCARD = "select from_status, to_status from forge.discard(%(id)s)"


def dead_job(db: Database) -> int:
    db.rows("select forge.enqueue('t')")
    (job,) = claim(db)
    db.rows(FAIL, id=job["id"], lease=job["lease"])
    assert status(db, job["id"]) == "DEAD"
    job_id: int = job["id"]
    return job_id


@pytest.mark.parametrize("ending", ["commit", "rollback"])
def test_two_retries_of_a_dead_job_both_leave_it_pending_once(
    db: Database, pair: Pair, ending: str
) -> None:
    job_id = dead_job(db)
    first, second = pair

    first.run("begin")
    assert first.run(RETRY, id=job_id) == [{"from_status": "DEAD", "to_status": "PENDING"}]
    second.start_and_wait_for_lock(RETRY, id=job_id)
    first.run(ending)

    before = "PENDING" if ending == "commit" else "DEAD"
    assert second.result() == [{"from_status": before, "to_status": "PENDING"}]
    assert db.rows("select status, revivals from forge.job(%(id)s)", id=job_id) == [
        {"status": "PENDING", "revivals": 1}
    ]


def test_a_discard_that_waited_for_a_retry_is_refused(db: Database, pair: Pair) -> None:
    job_id = dead_job(db)
    first, second = pair

    first.run("begin")
    first.run(RETRY, id=job_id)
    second.start_and_wait_for_lock(DISCARD, id=job_id)
    first.run("commit")

    with pytest.raises(psycopg.Error) as refused:
        second.result()
    assert refused.value.sqlstate == "JQ004"
    assert status(db, job_id) == "PENDING"


def test_a_retry_that_waited_for_a_discard_brings_the_job_back(db: Database, pair: Pair) -> None:
    job_id = dead_job(db)
    first, second = pair

    first.run("begin")
    first.run(DISCARD, id=job_id)
    second.start_and_wait_for_lock(RETRY, id=job_id)
    first.run("commit")

    assert second.result() == [{"from_status": "DEAD", "to_status": "PENDING"}]
    assert status(db, job_id) == "PENDING"


def test_a_cancel_that_waited_for_a_retry_out_of_a_backoff_cancels(
    db: Database, pair: Pair
) -> None:
    job_id = db.value("select forge.enqueue('t', scheduled_at => forge.now() + interval '1 day')")
    first, second = pair

    first.run("begin")
    first.run(RETRY, id=job_id)
    second.start_and_wait_for_lock(CANCEL, id=job_id)
    first.run("commit")

    assert second.result() == [{"from_status": "PENDING", "to_status": "CANCELLED"}]
    assert status(db, job_id) == "CANCELLED"
