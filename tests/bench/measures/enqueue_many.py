"""Jobs in, a thousand a call, by SQL: against the INSERT of a thousand rows."""

from __future__ import annotations

from functools import partial

from tests.bench.measure import Against, Case, Measure, Sample, connections
from tests.bench.payload import PAYLOAD_TEXT
from tests.bench.pgbench import Load
from tests.bench.rig import Rig
from tests.bench.subjects import FLOOR, FORGE

CONNECTIONS = (1, 4)
BATCH = 1000
GOAL = 0.6


def _take(subject: str, clients: int, rig: Rig) -> Sample:
    load = Load(
        script=f"{subject}_enqueue_many",
        clients=clients,
        seconds=rig.options.spell,
        each=2,
        variables={"payload": PAYLOAD_TEXT, "batch": BATCH, "fresh": 1},
    )
    with rig.database(subject) as database:
        return Sample({"jobs/s": rig.pgbench(database, load).per_second * BATCH})


def _case(subject: str, number: int) -> Case:
    name = connections(number)
    return Case(
        subject=subject,
        name=name,
        take=partial(_take, subject, number),
        against=Against(subject=FLOOR, case=name, goal=GOAL) if subject == FORGE else None,
    )


MEASURE = Measure(
    key="enqueue-many",
    title="Enqueue 1,000 a call (SQL)",
    about="pgbench: `forge.enqueue_many(document)`, where the document of 1,000 jobs is sent as "
    "text with every call, against `insert into bare … select … from generate_series(1, 1000)`, "
    "which is sent nothing but the payload.",
    cases=[_case(subject, number) for number in CONNECTIONS for subject in (FLOOR, FORGE)],
    plot=True,
)
