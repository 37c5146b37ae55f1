"""15_depend, 32_flows: a job waits for all its parents, and what becomes of it when one fails."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.database import Clock
from tests.procedures.calls import Calls
from tests.procedures.flows import (
    FAILURES,
    cancel,
    child_of,
    complete,
    die,
    left_to_the_tick,
    open_edges,
    parents,
    run,
)

Failure = Callable[[Calls, int], None]
each_failure = pytest.mark.parametrize("end", FAILURES.values(), ids=FAILURES)


def test_a_child_waits_until_all_its_parents_are_done(call: Calls) -> None:
    first, second = parents(call)
    child = child_of(call, first, second)

    assert call.status(child) == "WAITING"
    complete(call, second)
    assert call.status(child) == "WAITING"
    complete(call, first)
    assert call.status(child) == "PENDING"
    assert open_edges(call) == []
    assert call.claim()["id"] == child


def test_a_waiting_job_is_not_claimed(call: Calls) -> None:
    child_of(call, *parents(call, 1))
    assert call.rows("dequeue") == []


@pytest.mark.parametrize("function", ["complete_many", "exchange"])
def test_many_parents_that_end_in_one_call_free_the_child_once(call: Calls, function: str) -> None:
    child = child_of(call, *parents(call, 5), parents(call, 1)[0])
    jobs = call.rows("dequeue", queue="parents", max_jobs=10)

    for part in (jobs[:3], jobs[3:]):
        assert call.status(child) == "WAITING"
        claims = {"ids": [j["id"] for j in part], "leases": [j["lease"] for j in part]}
        call.rows(function, queue="parents", **claims)

    assert call.status(child) == "PENDING"
    assert left_to_the_tick(call) == [(child, "look")]


def test_a_child_keeps_its_time_if_that_is_still_to_come(call: Calls, noon: Clock) -> None:
    (parent,) = parents(call, 1)
    later = noon.now.replace(hour=15)
    on_time, overdue = child_of(call, parent, scheduled_at=later), child_of(call, parent)
    noon.advance(hours=1)
    complete(call, parent)

    assert call.job(on_time)["scheduled_at"] == later
    assert call.job(overdue)["scheduled_at"] == noon.now


def test_parents_that_are_done_already_count_at_once(call: Calls) -> None:
    first, second = parents(call)
    complete(call, first)
    child = child_of(call, first, second)
    assert open_edges(call) == [(child, second)]
    complete(call, second)

    assert call.status(child) == "PENDING"
    assert call.status(child_of(call, first, second)) == "PENDING"


def test_a_parent_that_is_named_twice_counts_once(call: Calls) -> None:
    (parent,) = parents(call, 1)
    child = child_of(call, parent, parent)
    complete(call, parent)
    assert call.status(child) == "PENDING"


def test_no_parents_are_nothing_to_wait_for(call: Calls) -> None:
    assert call.status(child_of(call)) == "PENDING"


def test_a_chain_goes_on_link_by_link(call: Calls) -> None:
    (first,) = parents(call, 1)
    second = child_of(call, first, queue="parents")
    third = child_of(call, second, queue="parents")
    for job_id in (first, second, third):
        complete(call, job_id)
    assert [call.status(job_id) for job_id in (first, second, third)] == ["COMPLETED"] * 3


@each_failure
def test_by_default_a_child_waits_for_a_failed_parent_to_be_retried(
    call: Calls, end: Failure
) -> None:
    first, second = parents(call)
    child = child_of(call, first, second)
    end(call, first)
    complete(call, second)
    assert call.status(child) == "WAITING"

    call.rows("retry", id=first)
    assert call.status(child) == "WAITING"
    complete(call, first)
    assert call.status(child) == "PENDING"


def test_a_discarded_parent_can_still_come_back(call: Calls) -> None:
    (parent,) = parents(call, 1)
    child = child_of(call, parent)
    die(call, parent)
    call.rows("discard", id=parent)
    assert call.status(child) == "WAITING"

    call.rows("retry", id=parent)
    complete(call, parent)
    assert call.status(child) == "PENDING"


def test_an_attempt_that_is_retried_is_no_end(call: Calls, noon: Clock) -> None:
    (parent,) = parents(call, 1)
    children = [child_of(call, parent, on_parent_failure=p) for p in ("wait", "run", "cancel")]
    call.fail(run(call, parent))
    assert {call.status(child) for child in children} == {"WAITING"}
    noon.advance(hours=1)
    complete(call, parent)
    assert {call.status(child) for child in children} == {"PENDING"}


@each_failure
def test_run_takes_a_failed_parent_for_done(call: Calls, end: Failure) -> None:
    first, second = parents(call)
    child = child_of(call, first, second, on_parent_failure="run")
    end(call, first)
    assert call.status(child) == "WAITING"
    complete(call, second)
    assert call.status(child) == "PENDING"


@each_failure
def test_cancel_follows_a_failed_parent_all_the_way_down(call: Calls, end: Failure) -> None:
    first, second = parents(call)
    child = child_of(call, first, second, on_parent_failure="cancel")
    grandchild = child_of(call, child, on_parent_failure="cancel")
    runs, waits = child_of(call, child, on_parent_failure="run"), child_of(call, child)
    end(call, first)

    assert [call.status(job_id) for job_id in (child, grandchild)] == ["CANCELLED"] * 2
    assert (call.status(runs), call.status(waits)) == ("PENDING", "WAITING")
    assert call.job(child)["cancel_requested_at"] is not None
    complete(call, second)  # nothing happens to those that have ended
    assert call.status(child) == "CANCELLED"
    assert sum(r["cancelled"] for r in call.select("select cancelled from forge.tallies")) >= 2


def test_a_lost_parent_that_dies_in_the_tick_counts_as_failed(call: Calls, noon: Clock) -> None:
    (parent,) = [call.enqueue("parent", queue="parents", max_retries=0)]
    runs = child_of(call, parent, on_parent_failure="run")
    stops = child_of(call, parent, on_parent_failure="cancel")
    run(call, parent)
    noon.advance(minutes=2)
    call.tick()
    assert (call.status(parent), call.status(runs), call.status(stops)) == (
        "DEAD", "PENDING", "CANCELLED",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("policy", "status"), [("wait", "WAITING"), ("run", "PENDING"), ("cancel", "CANCELLED")]
)
@pytest.mark.parametrize("end", [die, cancel])
def test_a_parent_that_had_failed_before_counts_by_the_policy_at_once(
    call: Calls, end: Failure, policy: str, status: str
) -> None:
    (parent,) = parents(call, 1)
    end(call, parent)
    child = child_of(call, parent, on_parent_failure=policy)
    grandchild = child_of(call, child, on_parent_failure=policy)
    assert call.status(child) == status
    assert call.status(grandchild) == {"run": "WAITING"}.get(policy, status)


def test_an_operator_cancels_a_job_that_waits_and_runs_it_again_at_once(call: Calls) -> None:
    (parent,) = parents(call, 1)
    child = child_of(call, parent)
    call.rows("cancel", id=child)
    call.rows("retry", id=child)
    assert call.status(child) == "PENDING"
    complete(call, parent)
    assert call.status(child) == "PENDING"


def test_a_child_whose_key_is_taken_is_the_job_that_holds_it(call: Calls) -> None:
    (parent,) = parents(call, 1)
    holder = call.enqueue("child", unique_key="k")
    assert child_of(call, parent, unique_key="k") == holder
    assert call.status(holder) == "PENDING"
    assert open_edges(call) == []


@pytest.mark.parametrize("status", ["PENDING", "PROCESSING", "COMPLETED", "DEAD", "CANCELLED"])
def test_a_job_may_depend_on_one_in_any_status(call: Calls, status: str) -> None:
    parent = call.in_status(status)
    child = child_of(call, parent)
    assert call.status(child) == ("PENDING" if status == "COMPLETED" else "WAITING")
    # what may end unseen until the commit is looked at once more
    assert left_to_the_tick(call) == ([] if status == "COMPLETED" else [(child, "look")])
    call.tick()
    # a claim leaves its mark on the row: while its transaction runs, it might be ending the job
    assert left_to_the_tick(call) == ([(child, "look")] if status == "PROCESSING" else [])


@pytest.mark.parametrize(
    ("arguments", "argument"),
    [
        ({"depends_on": [0]}, "depends_on"),
        ({"depends_on": [-1]}, "depends_on"),
        ({"depends_on": [None]}, "depends_on"),
        ({"depends_on": list(range(1, 10_002))}, "depends_on"),
        ({"on_parent_failure": "explode"}, "on_parent_failure"),
    ],
    ids=repr,
)
def test_what_cannot_be_depended_on_is_refused(
    call: Calls, arguments: dict[str, object], argument: str
) -> None:
    diag = call.refusal("JQ001", "enqueue", type="t", **arguments)
    assert diag.message_primary == f"{argument} is not valid"


def test_an_unknown_parent_is_refused(call: Calls) -> None:
    (parent,) = parents(call, 1)
    diag = call.refusal("JQ003", "enqueue", type="t", depends_on=[parent, 2**60])
    assert diag.message_detail == f"id={2**60}"
    assert open_edges(call) == []


def test_the_parents_of_a_job_are_shown_with_what_came_of_them(call: Calls) -> None:
    done, dead, live = parents(call, 3)
    child = child_of(call, done, dead, live)
    complete(call, done)
    die(call, dead)

    assert call.rows("parents", id=child) == [
        {
            "id": done,
            "type": "parent",
            "status": "COMPLETED",
            "result": {"of": done},
            "error": None,
        },
        {"id": dead, "type": "parent", "status": "DEAD", "result": None, "error": "boom"},
        {"id": live, "type": "parent", "status": "PENDING", "result": None, "error": None},
    ]
    page = call.rows("parents", id=child, after=done, max_rows=1)
    assert [row["id"] for row in page] == [dead]
    assert call.rows("parents", id=done) == []
    call.refusal("JQ001", "parents", id=child, max_rows=0)


def test_a_parent_of_which_nothing_is_kept_is_an_id(call: Calls) -> None:
    call.rows("set_queue", queue="parents", keep_history=False)
    (parent,) = parents(call, 1)
    child = child_of(call, parent)
    complete(call, parent)
    assert call.status(child) == "PENDING"
    (row,) = call.rows("parents", id=child)
    assert row == {"id": parent, "type": None, "status": None, "result": None, "error": None}
    call.refusal("JQ003", "enqueue", type="t", depends_on=[parent])


def test_explain_names_the_jobs_that_are_waited_for(call: Calls) -> None:
    first, second = parents(call)
    child = child_of(call, first, second)
    reason = call.rows("explain", id=child)[0]
    assert reason["code"] == "waits_for_jobs"
    assert reason["sentence"] == (
        f"it waits for 2 jobs: {first} (parent, PENDING), {second} (parent, PENDING)"
    )
    assert reason["detail"]["jobs"] == 2
    assert [p["id"] for p in reason["detail"]["parents"]] == [first, second]

    many = child_of(call, *parents(call, 12))
    assert call.rows("explain", id=many)[0]["sentence"].endswith(", …")


def test_explain_says_that_a_parent_has_failed(call: Calls) -> None:
    (parent,) = parents(call, 1)
    child = child_of(call, parent)
    die(call, parent)
    codes = {r["code"]: r["sentence"] for r in call.rows("explain", id=child)}
    assert codes["parent_failed"].startswith(f"job {parent} is DEAD; it waits until")
