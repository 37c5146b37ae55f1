"""The state machine of jobs, against a model: 250 examples of 40 steps.

They are the same ones in every run of the suite, but not in every version of it: Hypothesis likes
the constants that it finds in the modules that are loaded.

FORGE_TEST_EXAMPLES=5000 runs so many, at random.
"""

from __future__ import annotations

from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test

from tests.database import Clock, Database
from tests.model.base import Covered
from tests.model.ground import PROFILE, begin
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


def test_any_order_of_calls_keeps_the_tables_equal_to_the_model(db: Database, clock: Clock) -> None:
    connection, edges = begin(db, clock)
    covered = Covered()

    class OnThisDatabase(Machine):
        def __init__(self) -> None:
            super().__init__(connection, edges, covered)

    changes = {
        (before, after)
        for before, after, _ in edges
        # the model knows nothing of jobs that wait for others
        if "WAITING" not in (before, after) and before != after
    } - {(None, "CANCELLED")}
    wanted = (CALLED, REFUSED, changes)
    # Once is nearly always enough to come to everything; what is rare may need other examples.
    for profile in (PROFILE, "model at length", "model at length"):
        run_state_machine_as_test(OnThisDatabase, settings=settings.get_profile(profile))
        if covered.kinds() == wanted:
            break
    assert covered.kinds() == wanted
