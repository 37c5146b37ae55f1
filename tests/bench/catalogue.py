"""Every measure, in the order of the report."""

from __future__ import annotations

from tests.bench.measures import (
    backlog,
    claim_many,
    claim_one,
    clients,
    crash,
    end_to_end,
    enqueue,
    enqueue_many,
    idle,
    memory,
    pick_up,
    sizes,
    snapshot,
)

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
        snapshot.MEASURE,
        backlog.MEASURE,
        memory.MEASURE,
        sizes.MEASURE,
    )
}
