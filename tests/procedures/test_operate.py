"""50_operate: cancel and discard one job, and retry one that waits."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.database import Clock
from tests.procedures.calls import Calls


def test_a_cancelled_job_is_in_the_history(call: Calls, noon: Clock) -> None:
    job_id = call.enqueue(queue="q", payload={"a": 1})

    assert call.row("cancel", id=job_id) == {
        "id": job_id,
        "queue": "q",
        "type": "email",
        "from_status": "PENDING",
        "to_status": "CANCELLED",
    }
    job = call.job(job_id)
    assert (job["finished_at"], job["cancel_requested_at"]) == (noon.now, noon.now)
    assert (job["payload"], job["attempts"], job["errors"]) == ({"a": 1}, 0, [])
    assert call.rows("dequeue", queue="q") == []


def test_a_running_job_is_asked_to_stop_once(call: Calls, noon: Clock) -> None:
    job = call.running()
    first = noon.now

    assert call.row("cancel", id=job["id"])["to_status"] == "PROCESSING"
    noon.advance(seconds=5)
    assert call.row("cancel", id=job["id"])["to_status"] == "PROCESSING"

    assert call.job(job["id"])["cancel_requested_at"] == first


def test_a_cancelled_job_stays_as_it_is(call: Calls, noon: Clock) -> None:
    job_id = call.cancelled()
    before = call.everything()
    noon.advance(seconds=5)

    change = call.row("cancel", id=job_id)

    assert (change["from_status"], change["to_status"]) == ("CANCELLED", "CANCELLED")
    assert call.everything() == before


@pytest.mark.parametrize("function", ["cancel", "retry", "discard"])
@pytest.mark.parametrize("job_id", [None, 0, -1, 2**63 - 1])
def test_an_id_of_no_job_is_not_found(function: str, job_id: int | None, call: Calls) -> None:
    diag = call.refusal("JQ003", function, id=job_id)

    assert diag.message_primary == "no job has this id"
    assert diag.message_detail == f"id={'null' if job_id is None else job_id}"
    assert diag.message_hint == (
        "check the id and the queue; finished jobs are kept for the retention of the history"
    )


@pytest.mark.parametrize(
    ("function", "status"),
    [
        *(("cancel", s) for s in ("PENDING", "PROCESSING", "CANCELLED", "COMPLETED")),
        *(("retry", s) for s in ("PENDING", "DEAD", "CANCELLED", "COMPLETED")),
        *(("discard", s) for s in ("DEAD", "PENDING")),
    ],
)
def test_a_job_is_not_found_in_another_queue(function: str, status: str, call: Calls) -> None:
    job_id = call.in_status(status)
    before = call.everything()

    call.refusal("JQ003", function, id=job_id, queue="elsewhere")

    assert call.everything() == before


@pytest.mark.parametrize(
    ("function", "status"), [("cancel", "PENDING"), ("retry", "DEAD"), ("discard", "DEAD")]
)
def test_a_job_is_found_in_its_queue(function: str, status: str, call: Calls) -> None:
    job_id = call.in_status(status)
    queue = call.job(job_id)["queue"]

    assert call.row(function, id=job_id, queue=queue)["queue"] == queue


def test_retry_makes_a_pending_job_due(call: Calls, noon: Clock) -> None:
    job = call.running()
    call.fail(job)

    assert call.rows("dequeue", queue="running") == []
    change = call.row("retry", id=job["id"])

    assert (change["from_status"], change["to_status"]) == ("PENDING", "PENDING")
    again = call.claim(queue="running")
    assert (again["id"], again["attempts"], again["scheduled_at"]) == (job["id"], 2, noon.now)


def test_retry_does_not_take_a_due_jobs_turn(call: Calls, noon: Clock) -> None:
    due = noon.now - timedelta(hours=1)
    job_id = call.enqueue(scheduled_at=due)

    call.rows("retry", id=job_id)

    assert call.job(job_id)["scheduled_at"] == due


def test_a_discarded_job_is_kept_in_the_history(call: Calls, noon: Clock) -> None:
    job_id = call.dead()
    before = call.job(job_id)
    noon.advance(hours=1)

    change = call.row("discard", id=job_id)

    assert (change["from_status"], change["to_status"]) == ("DEAD", "DEAD")
    assert call.job(job_id) == before | {"finished_at": noon.now}
    assert call.rows("list_dead") == []
    call.refusal("JQ004", "discard", id=job_id)
