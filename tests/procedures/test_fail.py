"""31_fail: what is kept of a failed attempt, and what becomes of its job."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.database import Clock
from tests.procedures.calls import Calls


def errors(call: Calls, job_id: int) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = call.job(job_id)["errors"]
    return found


def test_a_failure_says_what_becomes_of_the_job(call: Calls, noon: Clock) -> None:
    job = call.running(max_retries=3, retry_jitter=0)
    call.rows("progress", id=job["id"], lease=job["lease"], value=0.5, note="half")

    assert call.fail(job) == {
        "id": job["id"],
        "status": "PENDING",
        "scheduled_at": noon.now + timedelta(seconds=5),
        "attempts": 1,
        "max_retries": 3,
    }
    after = call.job(job["id"])
    assert (after["lease_expires_at"], after["progress"], after["progress_note"]) == (None,) * 3


def test_an_error_keeps_its_number_worker_times_and_words(call: Calls, noon: Clock) -> None:
    call.enqueue()
    job = call.claim(worker="w-1")
    started = noon.now
    failed = noon.advance(seconds=30)
    call.fail(job, error="no route", error_type="OSError", traceback="Traceback …")

    (error,) = errors(call, job["id"])
    times = [call.one("select %s::timestamptz", error.pop(k)) for k in ("started_at", "failed_at")]
    assert times == [started, failed]
    assert error == {
        "attempt": 1,
        "worker": "w-1",
        "error_type": "OSError",
        "error": "no route",
        "traceback": "Traceback …",
    }


def test_a_dead_job_keeps_all_its_errors_and_itself(call: Calls, noon: Clock) -> None:
    job = call.running(max_retries=2, payload={"a": 1}, tags=["x"], unique_key="k", priority=4)
    for n in range(3):
        before = call.job(job["id"])
        status = call.fail(job, error=f"error {n}")["status"]
        noon.advance(hours=2)
        if status == "PENDING":
            job = call.claim(queue="running")

    after = call.job(job["id"])
    assert (status, after["status"]) == ("DEAD", "DEAD")
    assert [e["error"] for e in after["errors"]] == ["error 0", "error 1", "error 2"]
    assert [e["attempt"] for e in after["errors"]] == [1, 2, 3]
    changed = {"status", "errors", "finished_at", "lease_expires_at"}
    assert {k for k in after if after[k] != before[k]} == changed
    assert call.select("select from forge.jobs") == []


@pytest.mark.parametrize("max_retries", [0, 1, 2])
def test_there_is_one_attempt_more_than_retries(max_retries: int, call: Calls, noon: Clock) -> None:
    call.enqueue(max_retries=max_retries)
    statuses = []
    while claimed := call.rows("dequeue"):
        statuses.append(call.fail(claimed[0])["status"])
        noon.advance(hours=2)

    assert statuses == ["PENDING"] * max_retries + ["DEAD"]


def test_a_permanent_error_uses_up_the_retries(call: Calls) -> None:
    failed = call.fail(call.running(max_retries=100), retryable=False)

    assert (failed["status"], failed["scheduled_at"], failed["attempts"]) == ("DEAD", None, 1)


@pytest.mark.parametrize("wait", ["0", "1 minute", "365 days"])
def test_retry_in_goes_before_the_backoff(wait: str, call: Calls, noon: Clock) -> None:
    failed = call.fail(call.running(retry_cap="1 second"), retry_in=wait)

    assert failed["scheduled_at"] - noon.now == call.one("select %s::interval", wait)


@pytest.mark.parametrize(
    ("wait", "shown"),
    [("-1 second", "-00:00:01"), ("365 days 1 second", "365 days 00:00:01")],
)
def test_a_wait_out_of_range_is_refused(wait: str, shown: str, call: Calls) -> None:
    job = call.running()
    given = {"id": job["id"], "lease": job["lease"], "error": "boom"}

    diag = call.refusal("JQ001", "fail", **given, retry_in=wait)

    assert diag.message_primary == "retry_in is not valid"
    assert diag.message_detail == f"retry_in={shown}"
    assert diag.message_hint == "use 0 to 365 days"
    assert call.status(job["id"]) == "PROCESSING"


def test_null_is_no_obstacle_to_failing(call: Calls, noon: Clock) -> None:
    job = call.running(retry_jitter=0)
    nothing = dict.fromkeys(("error", "retryable", "retry_in", "error_type", "traceback"))

    failed = call.fail(job, **nothing)

    assert (failed["status"], failed["scheduled_at"] - noon.now) == (
        "PENDING",
        timedelta(seconds=5),
    )
    assert errors(call, job["id"])[0]["error"] == ""


def test_long_texts_are_cut(call: Calls) -> None:
    job = call.running()
    call.fail(job, error="é" * 1_000_000, error_type="t" * 1000, traceback="b" * 10_000_000)

    (error,) = errors(call, job["id"])
    assert [len(error[k]) for k in ("error", "error_type", "traceback")] == [8000, 200, 16000]


def test_the_hundred_first_error_is_kept_short(call: Calls) -> None:
    job = call.running()
    call.select(
        "update forge.jobs set errors = (select jsonb_agg(jsonb_build_object('error', n))"
        " from generate_series(1, 100) as n) where id = %s",
        job["id"],
    )
    call.fail(job, error="x" * 9000, traceback="x" * 9000)

    kept = errors(call, job["id"])
    assert (len(kept), len(kept[-1]["error"]), len(kept[-1]["traceback"])) == (101, 200, 400)


@pytest.mark.parametrize("retryable", [True, False])
def test_a_failure_after_a_cancel_request_is_a_cancellation(
    retryable: bool, call: Calls, noon: Clock
) -> None:
    job = call.running(max_retries=0)
    asked = noon.now
    call.rows("cancel", id=job["id"])
    ended = noon.advance(seconds=5)

    failed = call.fail(job, retryable=retryable)

    assert (failed["status"], failed["scheduled_at"]) == ("CANCELLED", None)
    after = call.job(job["id"])
    assert (after["cancel_requested_at"], after["finished_at"]) == (asked, ended)
    assert [e["error"] for e in after["errors"]] == ["boom"]


def test_a_failed_job_waits_out_its_backoff(call: Calls, noon: Clock) -> None:
    job = call.running(retry_jitter=0)
    call.fail(job)

    noon.advance(seconds=4.999)
    assert call.rows("dequeue", queue="running") == []
    noon.advance(seconds=0.001)
    again = call.claim(queue="running")

    assert (again["id"], again["attempts"]) == (job["id"], 2)
    assert again["lease"] != job["lease"]
