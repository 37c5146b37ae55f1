"""Jobs in, one by one, by SQL: against a bare INSERT of the same payload."""

from __future__ import annotations

from functools import partial

from tests.bench.measure import Against, Case, Measure, Sample, connections
from tests.bench.payload import PAYLOAD_TEXT
from tests.bench.pgbench import Load
from tests.bench.result import Goal
from tests.bench.rig import Rig
from tests.bench.subjects import FLOOR, FORGE

CONNECTIONS = (1, 4, 16, 32)
GOAL = Goal(title="Enqueue one by one ÷ bare INSERT", limit=0.9)


def _take(subject: str, clients: int, rig: Rig) -> Sample:
    load = Load(
        script=f"{subject}_enqueue",
        clients=clients,
        seconds=rig.options.spell,
        variables={"payload": PAYLOAD_TEXT},
    )
    with rig.database(subject) as database:
        return Sample({"jobs/s": rig.pgbench(database, load).per_second})


def _case(subject: str, number: int) -> Case:
    name = connections(number)
    floor = Against(subjects=[FLOOR], case=name, goal=GOAL)
    return Case(
        subject=subject,
        name=name,
        take=partial(_take, subject, number),
        against=[floor] if subject == FORGE else [],
    )


MEASURE = Measure(
    key="enqueue",
    title="Enqueue one by one (SQL)",
    about="pgbench, a commit a job: `select forge.enqueue('bench', payload)`, wake-ups on, against "
    "`insert into bare (queue, payload)`, a table with a primary key and one partial index.",
    cases=[_case(subject, number) for number in CONNECTIONS for subject in (FLOOR, FORGE)],
    plot=True,
)
