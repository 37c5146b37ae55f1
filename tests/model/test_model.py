"""The state machine of jobs, against a model: 100 examples of 40 steps; most others add to it.

They are the same ones in every run of the suite, but not in every version of it: Hypothesis likes
the constants that it finds in the modules that are loaded.

FORGE_TEST_EXAMPLES=5000 runs so many, at random.
"""

from __future__ import annotations

import pytest

from tests.database import Clock, Database
from tests.model.ground import begin, prove
from tests.model.machine import Machine

CALLED = {
    *["enqueue", "dequeue", "exchange", "complete", "complete_many", "fail", "heartbeat"],
    *["release", "snooze", "progress", "cancel", "retry", "retry_dead", "discard"],
    *["pause", "resume", "tick"],
}
REFUSED = {
    *["complete", "fail", "release", "snooze", "progress"],  # the lease
    *["cancel", "retry", "discard"],  # the status
}


@pytest.mark.timeout(400)  # room to shrink what fails
def test_any_order_of_calls_keeps_the_tables_equal_to_the_model(db: Database, clock: Clock) -> None:
    given = begin(db, clock)
    changes = {
        (before, after)
        for before, after, _ in given[1]
        # this machine knows nothing of jobs that wait for others
        if "WAITING" not in (before, after) and before != after
    } - {(None, "CANCELLED")}
    prove(Machine, given, called=CALLED, refused=REFUSED, changes=changes, examples=100, steps=40)
