"""The state machine of jobs, against a model: 250 examples of 40 steps.

They are the same ones in every run of the suite, but not in every version of it: Hypothesis likes
the constants that it finds in the modules that are loaded.

FORGE_TEST_EXAMPLES=5000 runs so many, at random.
"""

from __future__ import annotations

import os

from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.database import Clock, Database
from tests.model import reading
from tests.model.base import START, Covered
from tests.model.machine import Machine

settings.register_profile(
    "model",
    max_examples=250,
    stateful_step_count=40,
    derandomize=True,
    database=None,
    phases=[Phase.generate, Phase.shrink],
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
settings.register_profile(
    "model at length",
    settings.get_profile("model"),
    max_examples=int(os.environ.get("FORGE_TEST_EXAMPLES", "250")),
    derandomize=False,
    print_blob=True,
)
CALLED = {
    *["enqueue", "dequeue", "exchange", "complete", "complete_many", "fail", "heartbeat"],
    *["release", "snooze", "progress", "cancel", "retry", "retry_dead", "discard"],
    *["pause", "resume", "tick"],
}
REFUSED = {
    *["complete", "fail", "release", "snooze", "progress"],  # the lease
    *["cancel", "retry", "discard"],  # the status
}
PROFILE = "model at length" if "FORGE_TEST_EXAMPLES" in os.environ else "model"


def test_any_order_of_calls_keeps_the_tables_equal_to_the_model(db: Database, clock: Clock) -> None:
    clock.set(START)
    db.rows("select forge.set_queue('default', retry_jitter => 0)")
    db.rows("select forge.tick()")  # makes the days' partitions, once for all examples
    connection = db.connect(autocommit=False)
    # All the examples are rolled back: thousands of dead rows, which would make the tick lay out
    # lanes (21_lanes), where a job that is given back may wait for a sweep.
    connection.execute("set track_counts = off")
    connection.commit()
    edges = reading.edges(connection)

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
