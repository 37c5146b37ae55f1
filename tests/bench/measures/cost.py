"""What one job's life costs the database, however fast its machine is."""

from __future__ import annotations

import json
from functools import partial
from itertools import pairwise
from typing import Any

from psycopg import Connection
from psycopg.rows import dict_row

from tests.bench.databases import connect
from tests.bench.measure import Case, Measure, Sample
from tests.bench.payload import PAYLOAD, PAYLOAD_TEXT, TYPE
from tests.bench.rig import Rig
from tests.bench.subjects import FORGES
from tests.bench.wal import Place, can_inspect, here, index_entries, written

CALLS = {1: 2_000, 100: 200}  # by how many jobs a call
WARM_UP = (
    20  # calls: then every page has been written since the last checkpoint, and plans are made
)

CLAIM = """
select array_agg(id) as ids, array_agg(lease) as leases from forge.dequeue(max_jobs => %(batch)s)
"""
ONE = {
    "enqueue": "select forge.enqueue(%(type)s, %(payload)s)",
    "claim": CLAIM,
    "complete": "select forge.complete((%(ids)s::bigint[])[1], (%(leases)s::uuid[])[1])",
}
MANY = {
    "enqueue": "select count(*) from forge.enqueue_many(%(jobs)s)",
    "claim": CLAIM,
    "complete": "select count(*) from forge.complete_many(%(ids)s, %(leases)s)",
}
LIFE = "life"


def _take(subject: str, batch: int, rig: Rig) -> Sample:
    calls = rig.options.jobs(CALLS[batch], least=10)
    with rig.database(subject, alone=True) as database, connect(database.dsn) as connection:
        connection.execute("set synchronous_commit = on")
        _live(connection, batch, WARM_UP)
        places = _live(connection, batch, calls)
        spans = dict(zip([*ONE, LIFE], [*pairwise(places), (places[0], places[-1])], strict=True))
        jobs = calls * batch
        figures = {"life: statements, a commit each": len(ONE) / batch}
        for step, span in spans.items():
            figures[f"{step}: WAL bytes"] = written(connection, *span) / jobs
        if can_inspect(connection):
            for step, span in spans.items():
                figures[f"{step}: index entries"] = index_entries(connection, *span) / jobs
    return Sample(figures)


def _live(connection: Connection[Any], batch: int, calls: int) -> list[Place]:
    """Take so many jobs from step to step; returns where the log was before, between and after."""
    told = {"type": TYPE, "payload": PAYLOAD_TEXT, "batch": batch}
    told["jobs"] = json.dumps([{"type": TYPE, "payload": PAYLOAD}] * batch)
    rows: list[dict[str, Any]] = [{}] * calls
    places = [here(connection)]
    with connection.cursor(row_factory=dict_row) as cursor:
        for statement in (ONE if batch == 1 else MANY).values():
            # What a claim returns is what its completion is told.
            rows = [cursor.execute(statement.encode(), told | row).fetchone() or {} for row in rows]
            places.append(here(connection))
    return places


def _case(subject: str, batch: int) -> Case:
    name = "one at a time" if batch == 1 else f"by {batch}"
    return Case(subject=subject, name=name, take=partial(_take, subject, batch))


MEASURE = Measure(
    key="cost",
    title="What a job costs the database (SQL, 1 connection)",
    about="A job at each step of its life: the bytes that get into the log (WAL) and the entries "
    "that get into indexes, by `pg_walinspect`, where PostgreSQL 15 or later has it. There are no "
    "full-page images among them: all pages were written before and no checkpoint comes between; "
    "neither does a tick.",
    cases=[_case(subject, batch) for batch in CALLS for subject in FORGES],
)
