"""The settings of all machines, and the ground that their examples stand on.

FORGE_TEST_EXAMPLES=5000 runs so many, at random; a failure prints the blob that replays it.
"""

from __future__ import annotations

import os

from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.database import Clock, Conn, Database
from tests.model import reading
from tests.model.base import START, Base, Covered

settings.register_profile(
    "model",
    derandomize=True,
    database=None,
    phases=[Phase.generate, Phase.shrink],
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
settings.register_profile(
    "model at length",
    settings.get_profile("model"),
    derandomize=False,
    print_blob=True,
)
PROFILE = "model at length" if "FORGE_TEST_EXAMPLES" in os.environ else "model"

Edges = set[tuple[str | None, str, str]]


# A round misses each of the rarest kinds one time in three, and Hypothesis takes constants from
# whatever modules are loaded, so that rounds differ by machine: there are more until all was seen.
ROUNDS = 8


def begin(db: Database, clock: Clock) -> tuple[Conn, Edges]:
    """The connection of all examples, which are rolled back, and the edges that there are."""
    clock.set(START)
    for queue in ("default", "other"):
        db.rows("select forge.set_queue(%s, retry_jitter => 0)", queue)
    db.rows("select forge.tick()")  # makes the days' partitions, once for all examples
    connection = db.connect(autocommit=False)
    # Thousands of dead rows would make the tick lay out lanes (21_lanes), where a job that is given
    # back may wait for a sweep.
    connection.execute("set track_counts = off")
    connection.commit()
    return connection, reading.edges(connection)


def prove(
    machine: type[Base],
    given: tuple[Conn, Edges],
    *,
    called: set[str],
    refused: set[str],
    changes: set[tuple[str | None, str]],
    examples: int,
    steps: int,
) -> None:
    """Run a machine, which must have come to all of this: else its examples were about nothing."""
    covered = Covered()

    class OnThisDatabase(machine):  # type: ignore[valid-type, misc]
        def __init__(self) -> None:
            super().__init__(*given, covered)

    if "FORGE_TEST_EXAMPLES" in os.environ:
        examples = int(os.environ["FORGE_TEST_EXAMPLES"])
    missing: tuple[object, ...] = ()
    for profile in (PROFILE, *["model at length"] * (ROUNDS - 1)):
        chosen = settings.get_profile(profile)
        chosen = settings(chosen, max_examples=examples, stateful_step_count=steps)
        run_state_machine_as_test(OnThisDatabase, settings=chosen)
        seen = covered.kinds()
        missing = (called - seen[0], refused - seen[1], changes - seen[2])
        if not any(missing):
            return
    raise AssertionError(f"the examples never came to {missing}")
