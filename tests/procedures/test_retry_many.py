"""56_retry_many: many jobs run now, or again after a cancellation, in batches."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.database import Clock, Database, connect
from tests.procedures.calls import Calls


def later(call: Calls, **arguments: Any) -> int:
    return call.enqueue(**{"scheduled_at": "2040-01-01T00:00Z", **arguments})


def test_what_waits_for_its_time_becomes_due(call: Calls, noon: Clock) -> None:
    scheduled = later(call)
    running = call.running(queue="q")
    assert call.fail(running)["status"] == "PENDING"
    due = call.enqueue()
    noon.advance(seconds=1)

    batch = call.row("retry_jobs")

    assert (batch["matched"], batch["changed"], batch["skipped"]) == (2, 2, 0)
    for job in (scheduled, running["id"]):
        assert call.job(job)["scheduled_at"] == noon.now
    assert call.job(due)["scheduled_at"] == noon.now - timedelta(seconds=1)
    assert call.job(running["id"])["attempts"] == 1
    assert call.row("retry_jobs")["matched"] == 0


def test_what_has_a_key_gets_its_turn(call: Calls, noon: Clock) -> None:
    call.row("set_limits", queue="q", key_max_running=1)
    job_id = later(call, queue="q", concurrency_key="k")
    assert call.rows("dequeue", queue="q") == []

    call.row("retry_jobs", queue="q")

    assert [job["id"] for job in call.rows("dequeue", queue="q")] == [job_id]


def test_cancelled_jobs_come_back_with_fresh_retries(call: Calls, noon: Clock) -> None:
    running = call.running(payload={"n": 1})
    call.fail(running)
    call.rows("cancel", id=running["id"])
    other = call.cancelled()
    ended = call.completed(queue="z", payload={"n": 1})
    noon.advance(seconds=1)

    batch = call.row("retry_jobs", status="CANCELLED", payload_contains={"n": 1})

    assert (batch["matched"], batch["changed"], batch["more"]) == (1, 1, False)
    job = call.job(running["id"])
    assert (job["status"], job["attempts"], job["revivals"]) == ("PENDING", 0, 1)
    assert job["scheduled_at"] == noon.now
    assert len(job["errors"]) == 1
    assert (job["origin"]["status"], job["origin"]["by"]) == ("CANCELLED", "retry_jobs")
    assert (call.status(other), call.status(ended)) == ("CANCELLED", "COMPLETED")


@pytest.mark.parametrize("status", ["PENDING", "CANCELLED"])
@pytest.mark.parametrize(
    "filter",
    [
        {"queue": "mine"},
        {"type": "mine"},
        {"tag": "mine"},
        {"payload_contains": {"a": {"b": 1}}},
        {"priority": 5},
        {"created_before": "2030-01-02T12:00:01Z"},
        {"scheduled_before": "2035-01-01T00:00Z"},
    ],
    ids=str,
)
def test_only_what_matches_is_changed(
    call: Calls, noon: Clock, status: str, filter: dict[str, Any]
) -> None:
    mine = later(
        call, type="mine", queue="mine", tags=["mine"], payload={"a": {"b": 1, "c": 2}},
        priority=5, scheduled_at="2031-01-01T00:00Z",
    )  # fmt: skip
    noon.advance(seconds=2)
    other = later(call, payload={"a": {"b": 2}}, tags=["x"])
    if status == "CANCELLED":
        call.rows("cancel", id=mine)
        call.rows("cancel", id=other)

    dry = call.row("retry_jobs", status=status, dry_run=True, **filter)
    assert (dry["matched"], dry["changed"]) == (1, 0)
    assert call.row("retry_jobs", status=status, **filter)["changed"] == 1

    assert call.job(mine)["scheduled_at"] == noon.now
    assert call.job(other)["scheduled_at"] > noon.now


def test_the_newer_and_the_named(call: Calls, noon: Clock) -> None:
    made = [later(call)]
    noon.advance(seconds=2)
    made += [later(call), later(call), call.cancelled(), call.cancelled()]

    assert call.row("retry_jobs", created_after=noon.now, dry_run=True)["matched"] == 2
    named = {"ids": [made[0], made[1], made[3], 1], "dry_run": True}
    assert call.row("retry_jobs", **named) == {
        "matched": 2, "changed": 0, "skipped": 0, "last_id": made[3], "more": False,
    }  # fmt: skip
    assert call.row("retry_jobs", status="CANCELLED", **named)["matched"] == 1
    assert call.row("edit_jobs", **named)["matched"] == 2
    assert call.row("cancel_jobs", created_after=noon.now, **named)["matched"] == 1


@pytest.mark.parametrize("status", ["PENDING", "CANCELLED"])
def test_batches_go_on_where_the_last_one_ended(call: Calls, status: str) -> None:
    made = [later(call) for _ in range(5)]
    if status == "CANCELLED":
        for id in made:
            call.rows("cancel", id=id)
    after, batches = 0, []
    while True:
        batch = call.row("retry_jobs", status=status, after=after, max_jobs=2)
        batches.append(batch["changed"])
        after = batch["last_id"]
        if not batch["more"]:
            break

    assert batches == [2, 2, 1]
    assert call.row("retry_jobs", status=status)["matched"] == 0


def test_those_whose_key_is_taken_stay(call: Calls) -> None:
    taken, free = call.cancelled(unique_key="a"), call.cancelled(unique_key="b")
    holder = call.enqueue(unique_key="a")

    batch = call.row("retry_jobs", status="CANCELLED")

    assert (batch["matched"], batch["changed"], batch["skipped"]) == (2, 1, 1)
    assert [call.status(id) for id in (taken, free, holder)] == ["CANCELLED", "PENDING", "PENDING"]


@pytest.mark.parametrize("status", ["PENDING", "CANCELLED"])
def test_jobs_that_somebody_holds_are_skipped(db: Database, call: Calls, status: str) -> None:
    held, free = later(call), later(call)
    table = "jobs"
    if status == "CANCELLED":
        table = "history"
        call.rows("cancel", id=held)
        call.rows("cancel", id=free)
    with connect(db.dsn) as other:
        other.execute(f"select from forge.{table} where id = %s for update".encode(), (held,))
        batch = call.row("retry_jobs", status=status)
        other.rollback()

    assert (batch["changed"], batch["skipped"]) == (1, 1)
    assert call.row("retry_jobs", status=status)["changed"] == 1


def test_a_key_that_is_being_taken_is_not_waited_for(db: Database, call: Calls) -> None:
    gone = call.cancelled(unique_key="a")
    with connect(db.dsn) as other:
        other.execute("select forge.enqueue('email', unique_key => 'a')")
        assert call.row("retry_jobs", status="CANCELLED")["skipped"] == 1
        other.rollback()
    assert call.row("retry_jobs", status="CANCELLED")["changed"] == 1
    assert call.status(gone) == "PENDING"


@pytest.mark.parametrize(
    "filter",
    [
        {"queue": ""},
        {"status": "DEAD"},
        {"status": None},
        {"after": -1},
        {"after": None},
        {"max_jobs": 0},
        {"max_jobs": 10001},
        {"ids": list(range(10_001))},
    ],
    ids=lambda filter: next(iter(filter)),
)
@pytest.mark.parametrize("status", ["PENDING", "CANCELLED"])
def test_filters_that_cannot_be_are_refused(
    call: Calls, status: str, filter: dict[str, Any]
) -> None:
    call.refusal("JQ001", "retry_jobs", **{"status": status, **filter})
