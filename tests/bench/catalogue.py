"""Every measure, in the order of the report, and all their goals."""

from __future__ import annotations

from tests.bench.measure import Case
from tests.bench.measures import (
    backlog,
    claim_many,
    claim_one,
    clients,
    cost,
    crash,
    end_to_end,
    enqueue,
    enqueue_many,
    idle,
    memory,
    pick_up,
    sizes,
    snapshot,
    watching,
)
from tests.bench.result import Goal

MEASURES = {
    measure.key: measure
    for measure in (
        enqueue.MEASURE,
        enqueue_many.MEASURE,
        claim_one.MEASURE,
        claim_many.MEASURE,
        end_to_end.MEASURE,
        clients.MEASURE,
        pick_up.MEASURE,
        crash.MEASURE,
        idle.MEASURE,
        watching.MEASURE,
        snapshot.MEASURE,
        backlog.MEASURE,
        memory.MEASURE,
        sizes.MEASURE,
        cost.MEASURE,
    )
}


def _goals(case: Case) -> list[Goal]:
    ratios = [against.goal for against in case.against if against.goal is not None]
    return [*case.goals.values(), *ratios]


GOALS = list(
    {
        goal.title: goal
        for measure in MEASURES.values()
        for case in measure.cases
        for goal in _goals(case)
    }.values()
)
