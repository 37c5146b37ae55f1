"""50_operate: retry revives a job that was dead or cancelled."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.database import Clock
from tests.procedures.calls import Calls


def test_a_revived_job_has_fresh_retries_and_its_errors(call: Calls, noon: Clock) -> None:
    job_id = call.dead(max_retries=1, tags=["x"], payload={"a": 1}, priority=3)
    before = call.job(job_id)
    noon.advance(minutes=5)

    change = call.row("retry", id=job_id)

    assert (change["from_status"], change["to_status"]) == ("DEAD", "PENDING")
    assert call.job(job_id) == before | {
        "status": "PENDING",
        "attempts": 0,
        "revivals": 1,
        "revived_at": noon.now,
        "scheduled_at": noon.now,
        "attempted_at": None,
        "finished_at": None,
        "worker": None,
        "origin": {
            "status": "DEAD",
            "ended_at": before["finished_at"].isoformat(),
            "fingerprint": call.row("fingerprint", error_type=None, error="boom")["fingerprint"],
            "by": "retry",
            "who": call.one("select session_user"),
        },
    }
    assert call.select("select from forge.dead_jobs") == []


def test_revivals_are_counted_and_told_in_the_errors(call: Calls, noon: Clock) -> None:
    job_id = call.dead("first", max_retries=1)
    for error in ("second", "third"):
        call.rows("retry", id=job_id)
        call.fail(call.claim(queue="running"), error=error, retryable=False)

    job = call.job(job_id)
    kept = [(e["error"], e["attempt"], e.get("revival")) for e in job["errors"]]
    assert kept == [("first", 1, None), ("second", 1, 1), ("third", 1, 2)]
    assert job["revivals"] == 2


def test_a_revived_job_backs_off_from_the_start(call: Calls, noon: Clock) -> None:
    job_id = call.dead(retry_jitter=0)
    call.rows("retry", id=job_id)

    failed = call.fail(call.claim(queue="running"))

    assert (failed["status"], failed["scheduled_at"] - noon.now) == (
        "PENDING",
        timedelta(seconds=5),
    )


def test_a_cancelled_job_is_revived_without_its_cancellation(call: Calls) -> None:
    job = call.running()
    call.rows("cancel", id=job["id"])
    call.fail(job)

    assert call.row("retry", id=job["id"])["from_status"] == "CANCELLED"

    assert call.job(job["id"])["cancel_requested_at"] is None
    again = call.claim(queue="running")
    assert call.complete(again) is True
    assert call.one("select count(*) from forge.history") == 1


@pytest.mark.parametrize("status", ["DEAD", "CANCELLED"])
def test_a_job_whose_key_is_taken_is_not_revived(status: str, call: Calls) -> None:
    maker = call.dead if status == "DEAD" else call.cancelled
    job_id = maker(queue="q", unique_key="k")
    holder = call.enqueue(queue="q", unique_key="k")
    before = call.everything()

    diag = call.refusal("JQ004", "retry", id=job_id)

    assert diag.message_detail == f"id={job_id} status={status}"
    assert diag.message_hint == (
        "a live job holds its unique_key; cancel that one or wait until it ends"
    )
    assert call.everything() == before

    call.rows("cancel", id=holder)
    assert call.row("retry", id=job_id)["to_status"] == "PENDING"
    assert call.enqueue(queue="q", unique_key="k") == job_id


def test_a_discarded_job_can_be_brought_back(call: Calls) -> None:
    job_id = call.dead()
    call.rows("discard", id=job_id)

    assert call.row("retry", id=job_id)["from_status"] == "DEAD"
    assert call.claim(queue="running")["id"] == job_id
    assert call.select("select from forge.history") == []
