"""56_edit_many: many live jobs by a filter, in batches that say how far they came."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.database import Clock, Database, connect
from tests.procedures.calls import Calls


@pytest.mark.parametrize(
    "filter",
    [
        {"queue": "mine"},
        {"type": "mine"},
        {"tag": "mine"},
        {"payload_contains": {"a": {"b": 1}}},
        {"priority": 5},
        {"created_before": "2030-01-02T12:00:01Z"},
        {"scheduled_before": "2030-01-02T12:00:01Z"},
        {"queue": "mine", "type": "mine", "tag": "mine", "status": "PENDING"},
    ],
)
def test_only_what_matches_is_changed(call: Calls, noon: Clock, filter: dict[str, Any]) -> None:
    mine = call.enqueue(
        "mine", queue="mine", tags=["x", "mine"], payload={"a": {"b": 1, "c": 2}}, priority=5
    )
    noon.advance(seconds=2)
    other = call.enqueue("other", payload={"a": {"b": 2}}, tags=["x"])

    batch = call.row("edit_jobs", **filter, to_priority=9)

    assert batch == {"matched": 1, "changed": 1, "skipped": 0, "last_id": other, "more": False}
    assert (call.job(mine)["priority"], call.job(other)["priority"]) == (9, 0)


def test_everything_that_can_be_changed_is(call: Calls, noon: Clock) -> None:
    job_id = call.enqueue(payload={"a": 1}, retry_base="1 second", tags=["x"])
    due = noon.now + timedelta(hours=1)

    call.row(
        "edit_jobs", to_priority=2, to_scheduled_at=due, to_queue="other", to_max_retries=4,
        to_timeout="1 minute", merge_payload={"b": 2}, unset=["retry_base", "tags"],
    )  # fmt: skip

    job = call.job(job_id)
    assert (job["priority"], job["scheduled_at"], job["queue"]) == (2, due, "other")
    assert (job["max_retries"], job["timeout"], job["tags"]) == (4, timedelta(minutes=1), None)
    assert job["payload"] == {"a": 1, "b": 2}
    assert call.one("select (extra).retry_base from forge.jobs") is None


def test_batches_go_on_where_the_last_one_ended(call: Calls) -> None:
    ids = [row["id"] for row in call.enqueue_many(*[{"type": "t"}] * 5)]
    call.enqueue("other")
    after, batches = 0, []
    while True:
        batch = call.row("edit_jobs", type="t", to_priority=1, after=after, max_jobs=2)
        batches.append(batch["changed"])
        after = batch["last_id"]
        if not batch["more"]:
            break
    assert batches == [2, 2, 1]
    assert after > ids[-1]


def test_a_batch_looks_at_ten_thousand_jobs(db: Database, call: Calls) -> None:
    call.select("select forge.enqueue('other') from generate_series(1, 10000)")
    job_id = call.enqueue("mine")

    first = call.row("edit_jobs", type="mine", to_priority=1)
    assert (first["matched"], first["more"], first["last_id"]) == (0, True, job_id - 1)
    second = call.row("edit_jobs", type="mine", to_priority=1, after=first["last_id"])
    assert (second["matched"], second["more"]) == (1, False)


@pytest.mark.parametrize("function", ["edit_jobs", "cancel_jobs"])
def test_a_dry_run_counts_and_changes_nothing(call: Calls, function: str) -> None:
    call.enqueue_many(*[{"type": "t"}] * 3)
    before = call.everything()

    batch = call.row(function, type="t", dry_run=True)

    assert (batch["matched"], batch["changed"]) == (3, 0)
    assert call.everything() == before


def test_running_and_finished_jobs_are_left_alone(call: Calls) -> None:
    for status in ("PROCESSING", "COMPLETED", "DEAD", "CANCELLED"):
        call.in_status(status)
    waiting = call.in_status("WAITING")

    assert call.row("edit_jobs", to_priority=1)["changed"] == 1
    assert call.job(waiting)["priority"] == 1
    call.refusal("JQ001", "edit_jobs", status="PROCESSING", to_priority=1)


def test_jobs_whose_key_is_taken_there_are_skipped(call: Calls) -> None:
    for key in ("a", "b", None):
        call.enqueue(queue="from", unique_key=key)
    call.enqueue(queue="to", unique_key="b")

    batch = call.row("edit_jobs", queue="from", to_queue="to")

    assert (batch["matched"], batch["changed"], batch["skipped"]) == (3, 2, 1)
    left = call.select("select unique_key from forge.jobs where queue = 'from'")
    assert left == [{"unique_key": "b"}]


def test_a_payload_that_its_type_does_not_allow_undoes_the_batch(call: Calls) -> None:
    call.enqueue("free")
    call.enqueue("bound", payload={"n": 1})
    call.row("set_schema", type="bound", schema={"properties": {"n": {"type": "integer"}}})
    before = call.everything()

    call.refusal("JQ014", "edit_jobs", merge_payload={"n": "x"})
    assert call.everything() == before


def test_jobs_that_somebody_holds_are_skipped(db: Database, call: Calls) -> None:
    held, free = call.enqueue(), call.enqueue()
    with connect(db.dsn) as other:
        other.execute("select from forge.jobs where id = %s for update", (held,))
        edited = call.row("edit_jobs", to_priority=1)
        cancelled = call.row("cancel_jobs")
        other.rollback()
    assert (edited["changed"], edited["skipped"]) == (1, 1)
    assert (cancelled["changed"], cancelled["skipped"]) == (1, 1)
    assert (call.status(held), call.status(free)) == ("PENDING", "CANCELLED")


@pytest.mark.parametrize("policy", ["cancel", "run"])
def test_a_parent_and_its_child_are_cancelled_in_one_batch_and_once(
    call: Calls, policy: str
) -> None:
    parent = call.enqueue()
    child = call.enqueue(depends_on=[parent], on_parent_failure=policy)

    batch = call.row("cancel_jobs", queue="default")

    assert (batch["matched"], batch["changed"], batch["skipped"]) == (2, 2, 0)
    found = call.select("select id, status from forge.history order by id")
    assert [tuple(row.values()) for row in found] == [(parent, "CANCELLED"), (child, "CANCELLED")]
    assert call.one("select sum(cancelled) from forge.tallies") == 2


def test_cancelling_many(call: Calls) -> None:
    running = call.running(tags=["x"])
    pending, waiting = call.enqueue(tags=["x"]), call.waiting(tags=["x"])
    other = call.enqueue()

    batch = call.row("cancel_jobs", tag="x")

    assert (batch["matched"], batch["changed"], batch["more"]) == (3, 3, False)
    assert [call.status(i) for i in (pending, waiting, other)] == [
        "CANCELLED", "CANCELLED", "PENDING",
    ]  # fmt: skip
    assert call.job(running["id"])["cancel_requested_at"] is not None
    assert call.one("select sum(cancelled) from forge.tallies") == 2
    assert call.row("cancel_jobs", status="PROCESSING", tag="x")["changed"] == 1


@pytest.mark.parametrize("function", ["edit_jobs", "cancel_jobs"])
@pytest.mark.parametrize(
    "filter",
    [
        {"queue": ""},
        {"type": "a\nb"},
        {"status": "DEAD"},
        {"after": -1},
        {"after": None},
        {"max_jobs": 0},
        {"max_jobs": 10001},
    ],
)
def test_filters_that_cannot_be_are_refused(
    call: Calls, function: str, filter: dict[str, Any]
) -> None:
    call.refusal("JQ001", function, **filter)


def test_changes_that_cannot_be_are_refused_before_anything_is_looked_at(call: Calls) -> None:
    for changes in ({"to_priority": 40000}, {"to_queue": ""}, {"unset": ["priority"]}):
        call.refusal("JQ001", "edit_jobs", **changes)
