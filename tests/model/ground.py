"""The settings of all machines, and the ground that their examples stand on.

FORGE_TEST_EXAMPLES=5000 runs so many, at random; a failure prints the blob that replays it.
"""

from __future__ import annotations

import os

from hypothesis import HealthCheck, Phase, settings

from tests.database import Clock, Conn, Database
from tests.model import reading
from tests.model.base import START

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
PROFILE = "model at length" if "FORGE_TEST_EXAMPLES" in os.environ else "model"

Edges = set[tuple[str | None, str, str]]


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
