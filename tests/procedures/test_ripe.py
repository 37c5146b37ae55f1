"""67_ripe: what is left to the tick, bounded cascades, and edges whose jobs are gone."""

from __future__ import annotations

import pytest

from tests.database import Clock
from tests.procedures.calls import Calls
from tests.procedures.flows import (
    cancel,
    child_of,
    complete,
    die,
    left_to_the_tick,
    open_edges,
    parents,
)

CHILDREN = """
with made as (
    insert into forge.jobs (id, scheduled_at, created_at, priority, status, aside, queue,
        type, payload, extra.on_parent_failure)
    select nextval('forge.job_id_seq'), forge.now(), forge.now(), 0, 'WAITING', true, 'default',
        'wide',
        '{}', %s
    from generate_series(1, %s)
    returning id
), tied as (
    insert into forge.dependencies (child, parent) select id, %s from made
)
insert into forge.open_dependencies (child, parent) select id, %s from made
"""


def wide(call: Calls, parent: int, count: int, policy: str = "wait") -> None:
    call.select("select nextval('forge.wait_seq')")
    call.select(CHILDREN, policy, count, parent, parent)


def statuses(call: Calls) -> dict[str, int]:
    rows = call.select(
        "select status, count(*) as n from forge.all_jobs where type = 'wide' group by 1"
    )
    return {row["status"]: row["n"] for row in rows}


def ticks_until_done(call: Calls) -> int:
    for number in range(100):
        if not left_to_the_tick(call):
            return number
        call.tick()
    raise AssertionError("it does not come to an end")


@pytest.mark.parametrize(
    ("end", "policy", "status"),
    [(complete, "wait", "PENDING"), (die, "run", "PENDING"), (cancel, "cancel", "CANCELLED")],
)
def test_a_parent_of_many_tells_a_bounded_number_and_the_tick_the_rest(
    call: Calls, end: object, policy: str, status: str
) -> None:
    (parent,) = parents(call, 1)
    wide(call, parent, 7000, policy)
    assert callable(end)
    end(call, parent)
    assert statuses(call) == {status: 5000, "WAITING": 2000}
    assert left_to_the_tick(call) == [(parent, "spread")]

    assert ticks_until_done(call) == 1
    assert statuses(call) == {status: 7000}


def test_children_that_wait_for_a_dead_parent_are_not_in_the_way_of_others(call: Calls) -> None:
    (parent,) = parents(call, 1)
    wide(call, parent, 6000)
    stopped = child_of(call, parent, on_parent_failure="cancel")
    die(call, parent)
    assert call.status(stopped) == "CANCELLED"
    assert statuses(call) == {"WAITING": 6000}


def test_a_deep_cascade_goes_down_to_the_end(call: Calls) -> None:
    """Level by level in a loop: nothing on the stack."""
    (parent,) = parents(call, 1)
    jobs = [{"type": "wide", "handle": "0", "depends_on": [parent], "on_parent_failure": "cancel"}]
    jobs += [
        {
            "type": "wide",
            "handle": str(n),
            "depends_on": [str(n - 1)],
            "on_parent_failure": "cancel",
        }
        for n in range(1, 2000)
    ]
    call.enqueue_many(*jobs)
    cancel(call, parent)
    assert statuses(call) == {"CANCELLED": 2000}


def test_an_entry_that_says_nothing_new_is_dropped(call: Calls) -> None:
    first, _ = made = parents(call)
    child = child_of(call, *made)
    call.select(
        "insert into forge.ripe_jobs (id, task) select %s, t from unnest(%s::text[]) as t",
        child,
        ["free", "look", "free"],
    )
    call.tick()
    assert (call.status(child), left_to_the_tick(call)) == ("WAITING", [])
    complete(call, first)
    assert call.status(child) == "WAITING"


def test_entries_about_jobs_that_are_gone_are_dropped(call: Calls) -> None:
    for task in ("free", "look", "cancel", "close"):
        call.select("insert into forge.ripe_jobs (id, task) values (%s, %s)", 2**55, task)
    call.select(
        "insert into forge.ripe_jobs (id, task, status) values (%s, 'spread', 'DEAD')", 2**55
    )
    assert call.tick()["flows"] == 5
    assert left_to_the_tick(call) == []


def test_a_horizon_of_another_cluster_is_none(call: Calls) -> None:
    """After a dump and restore ids of transactions begin anew."""
    child = call.value("open_batch", type="t")
    call.select("delete from forge.open_dependencies")
    call.select(
        "insert into forge.ripe_jobs (id, task, horizon) values (%s, 'free', '99999999999')", child
    )
    call.tick()
    assert call.status(child) == "PENDING"


def forget(call: Calls, noon: Clock) -> dict[str, int]:
    noon.advance(minutes=1)
    return call.tick()


def test_edges_are_kept_as_long_as_the_child(call: Calls, noon: Clock) -> None:
    (parent,) = parents(call, 1)
    child = child_of(call, parent)
    complete(call, parent)
    call.complete(call.claim())
    call.select("delete from forge.history where id = %s", parent)
    assert "dependencies_dropped" not in forget(call, noon)
    assert len(call.rows("parents", id=child)) == 1

    call.select("delete from forge.history")
    assert forget(call, noon)["dependencies_dropped"] == 1
    assert call.rows("parents", id=child) == []


def test_a_child_that_is_gone_leaves_no_open_edge(call: Calls, noon: Clock) -> None:
    made = parents(call)
    child = child_of(call, *made)
    cancel(call, child)
    call.select("delete from forge.history")
    assert forget(call, noon)["dependencies_dropped"] == 2
    assert open_edges(call) == []


@pytest.mark.parametrize(
    ("policy", "status"), [("wait", "CANCELLED"), ("run", "PENDING"), ("cancel", "CANCELLED")]
)
def test_a_parent_that_nobody_can_retry_any_more_frees_or_cancels(
    call: Calls, noon: Clock, policy: str, status: str
) -> None:
    (parent,) = parents(call, 1)
    child = child_of(call, parent, on_parent_failure=policy)
    call.tick()
    assert call.value("drop_queue", queue="parents")
    forget(call, noon)
    assert call.status(child) == "WAITING"  # it may have been completed a moment ago, unseen
    noon.advance(hours=1)
    assert forget(call, noon)["parents_gone"] == 1
    assert call.status(child) == status


def test_a_batch_that_was_cancelled_while_it_was_open_leaves_nothing(
    call: Calls, noon: Clock
) -> None:
    callback = call.value("open_batch", type="t")
    cancel(call, callback)
    call.select("delete from forge.history")
    forget(call, noon)
    assert open_edges(call) == []


def test_edges_are_looked_through_in_bounded_steps(call: Calls, noon: Clock) -> None:
    made = parents(call, 7)
    for parent in made:
        child_of(call, parent)
    call.select("delete from forge.jobs")
    for left in (4, 1, 0, 0):
        call.rows("_forget_flows", at=noon.now, most=3)
        assert call.one("select count(*) from forge.dependencies") == left
