"""43_timeout: what an attempt may take, and who ends it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from psycopg.rows import DictRow
from psycopg.types.json import Jsonb

from tests.database import Clock
from tests.procedures.calls import NO_LEASE, Calls


def beat(call: Calls, job: DictRow, **more: object) -> list[DictRow]:
    return call.rows("heartbeat", worker="w", ids=[job["id"]], leases=[job["lease"]], **more)


def lease_end(call: Calls, job: DictRow) -> Any:
    return call.job(job["id"])["lease_expires_at"]


@pytest.mark.parametrize("timeout", ["0.9 seconds", "1 day 1 second", "-1 second"])
def test_a_timeout_is_one_second_to_one_day(call: Calls, timeout: str) -> None:
    assert call.refusal("JQ001", "enqueue", type="t", timeout=timeout).message_hint
    assert call.refusal("JQ001", "set_type", type="t", timeout=timeout).message_hint
    job = {"type": "t", "timeout": timeout}
    call.refusal("JQ001", "enqueue_many", jobs=Jsonb([job]))


def test_a_claim_tells_the_timeout_of_the_job_else_of_its_type(call: Calls) -> None:
    call.rows("set_type", type="slow", timeout="10 minutes")
    assert call.running(type="slow", timeout="1 minute")["timeout"] == timedelta(minutes=1)
    assert call.running(type="slow")["timeout"] == timedelta(minutes=10)
    assert call.running(type="other", timeout="30 seconds")["timeout"] == timedelta(seconds=30)
    assert call.running(type="other")["timeout"] is None


def test_enqueue_many_takes_a_timeout(call: Calls) -> None:
    call.enqueue_many({"type": "t", "timeout": "30 seconds"}, {"type": "t"})
    claimed = call.rows("dequeue", max_jobs=2)
    assert [job["timeout"] for job in claimed] == [timedelta(seconds=30), None]


@pytest.mark.parametrize("function", ["dequeue", "exchange"])
def test_the_lease_of_a_claim_ends_soon_after_the_timeout(
    call: Calls, noon: Clock, function: str
) -> None:
    call.enqueue(timeout="30 seconds")
    call.enqueue(timeout="10 minutes")
    call.enqueue()
    claimed = call.rows(function, worker="w", max_jobs=3)
    ends = [(job["lease_expires_at"] - noon.now).total_seconds() for job in claimed]
    assert ends == [35, 60, 60]


def test_no_heartbeat_extends_a_lease_beyond_the_timeout(call: Calls, noon: Clock) -> None:
    job = call.running(timeout="90 seconds")
    free = call.running()
    start = noon.now
    noon.advance(seconds=50)
    beat(call, job)
    beat(call, free)
    assert lease_end(call, job) - start == timedelta(seconds=95)
    assert lease_end(call, free) - start == timedelta(seconds=110)


def test_the_tick_ends_an_attempt_that_its_worker_keeps(call: Calls, noon: Clock) -> None:
    job = call.running(timeout="90 seconds", retry_jitter=0)
    for _ in range(9):
        noon.advance(seconds=10)
        assert beat(call, job) == []
        assert "expired_leases" not in call.tick()
    noon.advance(seconds=5.001)
    assert call.tick()["expired_leases"] == 1

    assert beat(call, job) == [{"id": job["id"], "reason": "lease_lost"}]
    row = call.job(job["id"])
    (error,) = row["errors"]
    assert (row["status"], row["attempts"]) == ("PENDING", 1)
    assert error["error_type"] == "Timeout"
    assert error["error"] == "the attempt took longer than its timeout of 00:01:30"
    # A failure of the job's own, not of its worker: it backs off at once.
    assert row["scheduled_at"] - noon.now == timedelta(seconds=5)


def test_a_lease_that_ends_before_the_timeout_is_a_lost_worker(call: Calls, noon: Clock) -> None:
    job = call.running(timeout="10 minutes")
    noon.advance(seconds=61)
    call.tick()
    assert call.job(job["id"])["errors"][0]["error_type"] == "LeaseExpired"


def test_a_job_that_always_times_out_ends_dead(call: Calls, noon: Clock) -> None:
    job = call.running(timeout="1 second", max_retries=0)
    noon.advance(seconds=7)
    call.tick()
    assert call.status(job["id"]) == "DEAD"


def test_a_job_that_was_to_be_cancelled_is_cancelled_by_its_timeout(
    call: Calls, noon: Clock
) -> None:
    job = call.running(timeout="1 second")
    call.rows("cancel", id=job["id"])
    noon.advance(seconds=7)
    call.tick()
    assert call.status(job["id"]) == "CANCELLED"


def test_a_look_extends_nothing_and_tells_what_a_heartbeat_does(call: Calls, noon: Clock) -> None:
    job = call.running()
    end = lease_end(call, job)
    noon.advance(seconds=10)
    assert beat(call, job, extend=None) == []
    assert lease_end(call, job) == end
    call.rows("cancel", id=job["id"])
    assert beat(call, job, extend=None) == [{"id": job["id"], "reason": "cancel_requested"}]
    stale = {"id": job["id"], "lease": NO_LEASE}
    assert beat(call, stale, extend=None) == [{"id": job["id"], "reason": "lease_lost"}]


def test_a_snooze_shows_what_it_waits_for(call: Calls) -> None:
    job = call.running()
    call.rows("progress", id=job["id"], lease=job["lease"], value=0.5, note="half")
    call.rows("snooze", id=job["id"], lease=job["lease"], delay="1 hour", note="the bank is closed")
    row = call.job(job["id"])
    assert (row["status"], row["progress"]) == ("PENDING", None)
    assert row["progress_note"] == "the bank is closed"


def test_a_type_ends_attempts_that_their_worker_keeps(call: Calls, noon: Clock) -> None:
    call.rows("set_type", type="slow", timeout="90 seconds")
    job, own, other = (
        call.running(type="slow", retry_jitter=0),
        call.running(type="slow", timeout="10 minutes"),
        call.running(type="other"),
    )
    for _ in range(9):
        noon.advance(seconds=10)
        assert [beat(call, held) for held in (job, own, other)] == [[], [], []]
        assert "timed_out" not in call.tick()
    noon.advance(seconds=5.001)
    assert call.tick()["timed_out"] == 1
    assert call.job(job["id"])["errors"][0]["error_type"] == "Timeout"
    assert [call.status(held["id"]) for held in (own, other)] == ["PROCESSING", "PROCESSING"]


def test_a_claim_that_died_within_the_timeout_of_its_type_is_a_lost_worker(
    call: Calls, noon: Clock
) -> None:
    call.rows("set_type", type="slow", timeout="90 seconds")
    job = call.running(type="slow")
    noon.advance(seconds=61)
    call.tick()
    assert call.job(job["id"])["errors"][0]["error_type"] == "LeaseExpired"


def reasons(call: Calls, job_id: int) -> dict[str, DictRow]:
    return {row["code"]: row for row in call.rows("explain", id=job_id)}


def test_until_when_a_job_may_run(call: Calls, noon: Clock) -> None:
    call.rows("set_type", type="slow", timeout="90 seconds")
    own, typed, free = (
        call.running(timeout="30 seconds"),
        call.running(type="slow"),
        call.running(),
    )
    found = reasons(call, own["id"])
    assert set(found) == {"running", "timeout"}
    assert found["timeout"]["detail"]["timeout_seconds"] == 30
    assert "may take 00:00:30" in found["timeout"]["sentence"]
    assert reasons(call, typed["id"])["timeout"]["detail"]["timeout_seconds"] == 90
    assert set(reasons(call, free["id"])) == {"running"}

    call.rows("cancel", id=own["id"])
    noon.advance(seconds=31)
    found = reasons(call, own["id"])
    assert set(found) == {"running", "cancel_requested", "timeout"}
    assert "is being ended" in found["timeout"]["sentence"]
