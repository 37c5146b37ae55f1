"""A steady state: as many jobs in as out, by SQL, on a small backlog."""

from __future__ import annotations

from tests.bench import pgbench
from tests.bench.databases import Database
from tests.bench.payload import PAYLOAD_TEXT
from tests.bench.rig import Rig
from tests.bench.subjects import fill_forge

BATCH = 10
CLIENTS = 2
BACKLOG = 10_000


def flow(
    rig: Rig, database: Database, *, seconds: float | None = None, jobs: int | None = None
) -> pgbench.Ran:
    """For a time, or for a number of jobs."""
    fill_forge(database, rig.options.jobs(BACKLOG))
    database.settle()
    load = pgbench.Load(
        script="forge_flow",
        clients=CLIENTS,
        seconds=seconds,
        each=None if jobs is None else max(1, jobs // BATCH // CLIENTS),
        variables={
            "payload": PAYLOAD_TEXT,
            "batch": BATCH,
            "fresh": 1,
            "ids": "{}",
            "leases": "{}",
        },
    )
    return rig.pgbench(database, load)
