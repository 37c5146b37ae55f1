"""Failures: backoff, the dead-letter queue, and the way back."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from tests.conformance.driver import Row
from tests.conformance.forge import Forge, fence, seconds
from tests.database import Clock, Database


def next_attempt(forge: Forge, clock: Clock, at: Any) -> Row:
    clock.set(at)
    (job,) = forge.claim(queue="running")
    return job


def test_the_delay_doubles_and_has_a_tenth_of_jitter(forge: Forge, noon: Clock) -> None:
    job = forge.running()

    for attempt, delay in enumerate((5, 10, 20, 40, 80), 1):
        failed = forge.fail(job)
        assert (failed["id"], failed["status"]) == (job["id"], "PENDING")
        assert (failed["attempts"], failed["max_retries"]) == (attempt, 10)
        waits = (failed["scheduled_at"] - noon.now).total_seconds()
        assert delay <= waits <= delay * 1.1
        noon.set(failed["scheduled_at"] - timedelta(microseconds=1))
        assert forge.claim(queue="running") == []
        job = next_attempt(forge, noon, failed["scheduled_at"])

    assert job["attempts"] == 6


def test_the_delay_has_a_cap_and_can_be_set(forge: Forge, noon: Clock) -> None:
    policy = {"retry_base": seconds(7), "retry_cap": seconds(20), "retry_jitter": 0}
    job = forge.running(retry_factor=3, **policy)

    for delay in (7, 20, 20):
        failed = forge.fail(job)
        assert failed["scheduled_at"] - noon.now == timedelta(seconds=delay)
        job = next_attempt(forge, noon, failed["scheduled_at"])


def test_a_worker_may_say_when(forge: Forge, noon: Clock) -> None:
    job = forge.running()

    failed = forge.fail(job, retry_in=seconds(1.5))

    assert failed["scheduled_at"] - noon.now == timedelta(seconds=1.5)
    assert forge.fail(forge.running(queue="now"), retry_in=seconds(0))["status"] == "PENDING"
    assert len(forge.claim(queue="now")) == 1


def test_a_job_is_dead_when_its_retries_are_used_up(forge: Forge, noon: Clock) -> None:
    job = forge.running(max_retries=1)
    failed = forge.fail(job, error="the first")
    job = next_attempt(forge, noon, failed["scheduled_at"])

    failed = forge.fail(
        job, error="the second: ü 'quoted' \\ $1", error_type="Bad", traceback="line 1\nline 2"
    )

    assert (failed["status"], failed["scheduled_at"]) == ("DEAD", None)
    first, second = forge.job(job["id"])["errors"]
    assert (first["attempt"], first["error"], first["worker"]) == (1, "the first", "w")
    assert "traceback" not in first
    assert (second["attempt"], second["error_type"]) == (2, "Bad")
    assert second["error"] == "the second: ü 'quoted' \\ $1"
    assert second["traceback"] == "line 1\nline 2"
    assert forge.claim(queue="running") == []


def test_a_permanent_error_is_not_retried(forge: Forge) -> None:
    job = forge.running()

    assert forge.fail(job, retryable=False)["status"] == "DEAD"


def test_a_long_error_is_cut(forge: Forge) -> None:
    job = forge.running()

    forge.fail(job, error="e" * 100_000, traceback="t" * 100_000, error_type="y" * 1_000)

    (error,) = forge.job(job["id"])["errors"]
    assert len(error["error"]) <= 8_000
    assert len(error["traceback"]) <= 16_000
    assert len(error["error_type"]) <= 200


def test_a_delay_out_of_range_changes_nothing(forge: Forge) -> None:
    job = forge.running()

    for wrong in (-1, 365 * 86_400 + 1):
        forge.refused("JQ001", "fail", **fence(job), error="x", retry_in=seconds(wrong))

    assert forge.status(job["id"]) == "PROCESSING"


def test_a_rule_decides_by_the_class_of_the_error(forge: Forge, db: Database) -> None:
    db.rows(
        """select forge.set_retry_rules('[{"error_type": "Bounced", "action": "permanent"}]')"""
    )

    assert forge.fail(forge.running(), error_type="Bounced")["status"] == "DEAD"
    assert forge.fail(forge.running(), error_type="Slow")["status"] == "PENDING"


def test_a_dead_job_comes_back_with_fresh_retries_and_its_errors(forge: Forge) -> None:
    job = forge.running(max_retries=0)
    assert forge.fail(job)["status"] == "DEAD"

    change = forge.row("retry", id=job["id"])

    assert (change["from_status"], change["to_status"]) == ("DEAD", "PENDING")
    (again,) = forge.claim(queue="running")
    assert (again["id"], again["attempts"]) == (job["id"], 1)
    found = forge.job(job["id"])
    assert (found["revivals"], len(found["errors"])) == (1, 1)


def test_a_dead_job_is_discarded_once(forge: Forge) -> None:
    job = forge.running(max_retries=0)
    forge.refused("JQ004", "discard", id=job["id"])
    forge.fail(job)

    forge.rows("discard", id=job["id"])

    forge.refused("JQ004", "discard", id=job["id"])
    forge.refused("JQ003", "discard", id=2**62)


def test_a_worker_that_is_gone_loses_its_attempt(forge: Forge, db: Database, noon: Clock) -> None:
    job = forge.running(max_retries=1)

    noon.advance(seconds=61)
    db.rows("select forge.tick()")
    (again,) = forge.claim(queue="running")  # the first loss is retried at once
    assert (again["id"], again["attempts"]) == (job["id"], 2)
    noon.advance(seconds=61)
    db.rows("select forge.tick()")

    found = forge.job(job["id"])
    assert found["status"] == "DEAD"
    assert [error["error_type"] for error in found["errors"]] == ["LeaseExpired"] * 2
