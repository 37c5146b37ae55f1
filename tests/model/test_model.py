"""The state machine of jobs, against a model: 60 examples of 40 steps, always the same ones.

FORGE_TEST_EXAMPLES=5000 runs so many, at random.
"""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.database import Clock, Database
from tests.model import reading
from tests.model.base import START
from tests.model.machine import Machine

settings.register_profile(
    "model",
    max_examples=60,
    stateful_step_count=40,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
settings.register_profile(
    "model at length",
    settings.get_profile("model"),
    max_examples=int(os.environ.get("FORGE_TEST_EXAMPLES", "60")),
    derandomize=False,
    print_blob=True,
)
PROFILE = "model at length" if "FORGE_TEST_EXAMPLES" in os.environ else "model"


def test_any_order_of_calls_keeps_the_tables_equal_to_the_model(db: Database, clock: Clock) -> None:
    clock.set(START)
    db.rows("select forge.set_queue('default', retry_jitter => 0)")
    db.rows("select forge.tick()")  # makes the days' partitions, once for all examples
    connection = db.connect(autocommit=False)
    edges = reading.edges(connection)

    class OnThisDatabase(Machine):
        def __init__(self) -> None:
            super().__init__(connection, edges)

    run_state_machine_as_test(OnThisDatabase, settings=settings.get_profile(PROFILE))
