"""53_edit: what may be changed of a live job, by its status."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.database import Clock
from tests.procedures.calls import Calls

POLICY: dict[str, Any] = {
    "max_retries": 3,
    "retry_base": timedelta(seconds=1),
    "retry_factor": 3.0,
    "retry_cap": timedelta(minutes=1),
    "retry_jitter": 0.5,
}
STORED = """
    select max_retries,
        (extra).retry_base, (extra).retry_factor, (extra).retry_cap, (extra).retry_jitter
    from forge.jobs
"""


@pytest.mark.parametrize("status", ["PENDING", "WAITING"])
def test_everything_of_a_job_that_waits_can_be_changed(
    call: Calls, noon: Clock, status: str
) -> None:
    job_id = call.in_status(status)
    due = noon.now + timedelta(hours=1)
    changes: dict[str, Any] = {
        "payload": {"n": 2}, "priority": 7, "scheduled_at": due, "tags": ["x"],
        "timeout": timedelta(minutes=1),
    }  # fmt: skip

    job = call.row("edit", id=job_id, to_queue="other", **changes, **POLICY)

    assert {name: job[name] for name in changes} == changes
    assert (job["queue"], job["status"]) == ("other", status)
    assert call.select(STORED) == [POLICY]
    assert job == call.job(job_id)


def test_what_is_not_named_stays(call: Calls, noon: Clock) -> None:
    job_id = call.enqueue(payload={"n": 1}, priority=3, tags=["x"], scheduled_at="2040-01-01Z")
    before = call.job(job_id)
    assert call.row("edit", id=job_id) == before
    assert call.row("edit", id=job_id, priority=4) == {**before, "priority": 4}


def test_unset_goes_back_to_the_default(call: Calls) -> None:
    job_id = call.enqueue(tags=["x"], timeout="1 minute", **POLICY)

    job = call.row("edit", id=job_id, unset=[*POLICY, "tags", "timeout"], max_retries=5)

    assert call.select(STORED) == [{**dict.fromkeys(POLICY), "max_retries": 5}]
    assert (job["tags"], job["timeout"]) == (None, None)


def test_a_time_is_now_at_the_earliest_and_the_job_is_due(call: Calls, noon: Clock) -> None:
    job_id = call.enqueue(scheduled_at="2040-01-01Z")
    assert call.row("edit", id=job_id, scheduled_at="2020-01-01Z")["scheduled_at"] == noon.now
    assert call.claim()["id"] == job_id
    later = call.enqueue(scheduled_at="2040-01-01Z")
    assert call.row("edit", id=later, scheduled_at="-infinity")["scheduled_at"] == noon.now


def test_a_running_job_is_changed_for_its_next_attempt(call: Calls, noon: Clock) -> None:
    running = call.running(payload={"n": 1})

    job = call.row("edit", id=running["id"], payload={"n": 2}, priority=9, tags=["x"], **POLICY)

    assert (job["status"], job["payload"], job["priority"]) == ("PROCESSING", {"n": 2}, 9)
    failed = call.fail(running)
    assert (failed["status"], failed["max_retries"]) == ("PENDING", 3)
    noon.advance(seconds=10)
    assert call.claim(queue="running")["payload"] == {"n": 2}


@pytest.mark.parametrize(
    "changes",
    [
        {"to_queue": "other"},
        {"scheduled_at": "2040-01-01Z"},
        {"timeout": "1 minute"},
        {"unset": ["timeout"]},
    ],
)
def test_what_a_running_job_has_already_begun_with_stays(
    call: Calls, changes: dict[str, Any]
) -> None:
    running = call.running()
    before = call.everything()

    said = call.refusal("JQ004", "edit", id=running["id"], **changes)

    assert said.message_detail == f"id={running['id']} status=PROCESSING"
    assert call.everything() == before


@pytest.mark.parametrize("status", ["COMPLETED", "DEAD", "CANCELLED"])
def test_a_finished_job_is_not_edited(call: Calls, status: str) -> None:
    job_id = call.in_status(status)
    call.refusal("JQ004", "edit", id=job_id, priority=1)


def test_no_such_job(call: Calls) -> None:
    call.refusal("JQ003", "edit", id=1, priority=1)
    call.refusal("JQ003", "edit", id=call.enqueue(), priority=1, queue="other")


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"priority": 40000}, "priority"),
        ({"scheduled_at": "infinity"}, "scheduled_at"),
        ({"to_queue": ""}, "queue"),
        ({"to_queue": "a\nb"}, "queue"),
        ({"max_retries": -1}, "max_retries"),
        ({"retry_factor": 0.5}, "retry_factor"),
        ({"tags": [""]}, "tags"),
        ({"timeout": "1 ms"}, "timeout"),
        ({"unset": ["payload"]}, "unset"),
        ({"unset": None}, "unset"),
    ],
)
def test_values_that_no_job_has_are_refused(
    call: Calls, changes: dict[str, Any], named: str
) -> None:
    job_id = call.enqueue()
    assert call.refusal("JQ001", "edit", id=job_id, **changes).message_primary == (
        f"{named} is not valid"
    )


def test_a_payload_is_held_to_its_size_and_schema(call: Calls) -> None:
    job_id = call.enqueue("email", payload={"to": "a"})
    call.row("set_schema", type="email", schema={"required": ["to"]})

    call.refusal("JQ014", "edit", id=job_id, payload={})
    call.refusal("JQ005", "edit", id=job_id, payload={"to": "x" * 1_100_000})
    # what has nothing to do with the payload does not look at it
    call.row("set_schema", type="email", schema={"required": ["cc"]})
    assert call.row("edit", id=job_id, priority=1)["priority"] == 1


def test_a_key_goes_along_and_must_be_free_there(call: Calls) -> None:
    moving = call.enqueue(queue="a", unique_key="k")
    call.enqueue(queue="b", unique_key="k")

    said = call.refusal("JQ004", "edit", id=moving, to_queue="b")

    assert "unique_key" in (said.message_hint or "")
    assert call.job(moving)["queue"] == "a"
    assert call.row("edit", id=moving, to_queue="c")["queue"] == "c"
    assert call.enqueue(queue="c", unique_key="k") == moving
    assert call.enqueue(queue="a", unique_key="k") != moving


def test_a_global_key_moves_anywhere(call: Calls) -> None:
    moving = call.enqueue(queue="a", unique_key="k", unique_scope="global")
    call.enqueue(queue="b", unique_key="k")
    assert call.row("edit", id=moving, to_queue="b")["queue"] == "b"
