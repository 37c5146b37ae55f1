"""explain: every reason, brought about."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.database import Clock
from tests.procedures.calls import Calls


def reasons(call: Calls, job_id: int) -> dict[str, dict[str, Any]]:
    return {row["code"]: row["detail"] for row in call.rows("explain", id=job_id)}


def sentences(call: Calls, job_id: int) -> str:
    return "; ".join(row["sentence"] for row in call.rows("explain", id=job_id))


def register(call: Calls, *queues: str, types: list[str] | None = None) -> None:
    call.rows("register_worker", worker="w", queues=list(queues), types=types, liveness=False)


def test_a_job_that_nothing_holds_back_is_next(call: Calls) -> None:
    register(call, "default")

    assert reasons(call, call.enqueue()) == {"next": {}}


def test_a_job_of_a_later_time_is_scheduled(call: Calls, noon: Clock) -> None:
    register(call, "default")
    job_id = call.enqueue(scheduled_at=noon.now + timedelta(hours=1))

    assert reasons(call, job_id)["scheduled"]["seconds"] == 3600
    assert list(reasons(call, job_id)) == ["scheduled"]


def test_a_paused_queue_says_since_when(call: Calls, noon: Clock) -> None:
    register(call, "default")
    call.rows("pause", queue="default")

    assert list(reasons(call, call.enqueue())) == ["queue_paused"]
    assert "paused since 2030-01-02" in sentences(call, call.enqueue())


def test_a_queue_without_a_live_worker_says_so(call: Calls, noon: Clock) -> None:
    job_id = call.enqueue()
    register(call, "other")

    assert reasons(call, job_id) == {"no_worker": {"queue": "default", "draining": 0}}

    register(call, "default")
    assert "no_worker" not in reasons(call, job_id)
    noon.advance(minutes=2)
    assert "no_worker" in reasons(call, job_id)


def test_a_type_that_no_live_worker_runs_says_so(call: Calls) -> None:
    register(call, "default", types=["email"])

    assert reasons(call, call.enqueue("report"))["no_worker_for_type"]["workers"] == 1
    assert "no_worker_for_type" not in reasons(call, call.enqueue("email"))


def test_the_jobs_that_come_before_are_counted_in_the_order_of_claims(
    call: Calls, noon: Clock
) -> None:
    register(call, "default")
    early = noon.now - timedelta(minutes=1)
    call.enqueue(priority=5)
    call.enqueue(priority=5, scheduled_at=noon.now + timedelta(hours=1))
    call.enqueue(scheduled_at=early)
    job_id = call.enqueue()
    call.enqueue()
    call.enqueue(priority=-1, scheduled_at=early)
    call.enqueue(queue="other")

    detail = reasons(call, job_id)["behind"]

    assert (detail["jobs"], detail["capped"], detail["expected_seconds"]) == (2, False, None)
    assert "none has ended in the last five minutes" in sentences(call, job_id)


def test_the_pace_of_the_last_minutes_tells_how_long_it_takes(call: Calls, noon: Clock) -> None:
    register(call, "default")
    for _ in range(30):
        call.completed(queue="default")
    call.tick()
    ids = [call.enqueue() for _ in range(11)]

    detail = reasons(call, ids[-1])["behind"]

    assert (detail["jobs"], detail["ended_in_5_minutes"]) == (10, 30)
    assert detail["expected_seconds"] == pytest.approx(100)


def test_a_long_line_is_counted_up_to_ten_thousand(call: Calls) -> None:
    register(call, "default")
    call.enqueue_many(*[{"type": "t"}] * 10_000)
    call.enqueue()
    job_id = call.enqueue()

    assert reasons(call, job_id)["behind"]["capped"] is True
    assert "at least 10000 jobs" in sentences(call, job_id)


def test_a_running_job_names_its_worker_and_its_lease(call: Calls, noon: Clock) -> None:
    job = call.running()

    assert reasons(call, job["id"])["running"]["worker"] == "w"
    assert "worker w holds its lease until 2030-01-02 12:01:00" in sentences(call, job["id"])

    call.rows("cancel", id=job["id"])
    assert list(reasons(call, job["id"])) == ["running", "cancel_requested"]


@pytest.mark.parametrize("status", ["COMPLETED", "CANCELLED", "DEAD"])
def test_a_job_that_has_ended_says_how(call: Calls, status: str) -> None:
    job_id = call.in_status(status)

    assert list(reasons(call, job_id)) == [status.lower()]


def test_a_dead_job_says_of_what(call: Calls) -> None:
    assert "no route to host" in sentences(call, call.dead("no route to host"))


def test_all_reasons_that_hold_are_told(call: Calls, noon: Clock) -> None:
    call.rows("pause", queue="default")
    job_id = call.enqueue(scheduled_at=noon.now + timedelta(hours=1))

    assert list(reasons(call, job_id)) == ["scheduled", "queue_paused", "no_worker"]


def test_an_unknown_job_is_refused(call: Calls) -> None:
    call.refusal("JQ003", "explain", id=1)
    job_id = call.enqueue()
    call.refusal("JQ003", "explain", id=job_id, queue="other")
