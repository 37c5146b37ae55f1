"""Every pair of functions that take many jobs, given the same two in opposite orders.

Somebody holds the first job, or the second, while both come and wait. In the order of their lists
each would then have what the other waits for.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.concurrency.interleavings.acts import ACTS
from tests.concurrency.interleavings.stage import Arranged, Stage

IDS, LEASES = "%(ids)s::bigint[]", "%(leases)s::uuid[]"
REPORTS = """
select count(*) from forge.report((
    select jsonb_agg(jsonb_build_object('id', u.id, 'lease', u.lease, 'progress', 0.5) order by u.n)
    from unnest(%(ids)s::bigint[], %(leases)s::uuid[]) with ordinality as u (id, lease, n)
))
"""
ENQUEUE = """
select count(*) from forge.enqueue_many((
    select jsonb_agg(jsonb_build_object(
        'type', 't', 'queue', u.queue, 'unique_key', 'k', 'on_conflict', '{rule}'
    ) order by u.n)
    from unnest(%(queues)s::text[]) with ordinality as u (queue, n)
))
"""
# Each does to every job what the act of the table does to the one.
LISTS = {
    "complete_many": ("complete", f"select count(*) from forge.complete_many({IDS}, {LEASES})"),
    "exchange": ("complete", f"select count(*) from forge.exchange({IDS}, {LEASES})"),
    "heartbeat": ("heartbeat", f"select count(*) from forge.heartbeat('w', {IDS}, {LEASES})"),
    "report": ("report", REPORTS),
    "keep": ("enqueue", ENQUEUE.format(rule="keep")),
    "replace": ("replace", ENQUEUE.format(rule="replace")),
    "merge": ("replace", ENQUEUE.format(rule="merge")),
    "cancel_jobs": ("cancel_jobs", f"select changed from forge.cancel_jobs(ids => {IDS})"),
    "edit_jobs": (
        "edit_jobs", f"select changed from forge.edit_jobs(ids => {IDS}, to_priority => 5)",
    ),
    # both have the same key, so that each finds it taken by the other
    "move_jobs": (
        "move_jobs",
        f"select changed from forge.edit_jobs(ids => {IDS}, to_queue =>"
        " (%(queues)s::text[])[1] || ' away')",
    ),
    "retry_later": (
        "retry_later",
        f"select changed from forge.retry_jobs(status => 'PENDING', ids => {IDS})",
    ),
    "retry_cancelled": (
        "retry_cancelled",
        f"select changed from forge.retry_jobs(status => 'CANCELLED', ids => {IDS})",
    ),
    "retry_dead": ("retry_dead", f"select count(*) from forge.retry_dead(ids => {IDS})"),
    "discard_dead": ("discard_dead", f"select count(*) from forge.discard_dead(ids => {IDS})"),
}  # fmt: skip
STATES = ["RUNNING", "STOPPING", "LATER", "CANCELLED", "DEAD"]
BY_NAME = {act.name: act for act in ACTS}


def listed(jobs: list[Arranged]) -> dict[str, Any]:
    return {
        "ids": [job.id for job in jobs],
        "leases": [job.lease for job in jobs],
        "queues": [job.queue for job in jobs],
    }


def ends(state: str, *names: str) -> set[str]:
    """The states that the acts may leave a job in: in any order, and each may have passed it by."""
    found = {state}
    for name in names:
        found |= {BY_NAME[LISTS[name][0]].alone(it)[1] for it in found}
    return found


def do_they_meet(first: str, second: str, state: str) -> bool:
    """Whether both take the rows, or one the rows and the other their keys."""
    steps = [BY_NAME[LISTS[name][0]].step(state) for name in (first, second)]
    return all(step.row or step.key for step in steps) and any(step.row for step in steps)


CASES = [
    (first, second, state)
    for first in LISTS
    for second in LISTS
    for state in STATES
    if do_they_meet(first, second, state)
]


@pytest.mark.parametrize(("first", "second", "state"), CASES)
def test_two_lists_of_opposite_order(play: Stage, first: str, second: str, state: str) -> None:
    for held in (0, 1):
        jobs = [play.arrange(state, rich=True) for _ in range(2)]
        play.hold(jobs[held])
        ahead = play.first.start(LISTS[first][1], listed(jobs))
        play.waits(play.first, ahead)
        behind = play.second.start(LISTS[second][1], listed(jobs[::-1]))
        play.waits(play.second, behind)
        play.holder.run("commit")

        assert [type(ahead.result()), type(behind.result())] == [int, int], (
            ahead.result(), behind.result(),
        )  # fmt: skip
        allowed = ends(state, first, second) | ends(state, second, first)
        assert {play.state(job) for job in jobs} <= allowed
