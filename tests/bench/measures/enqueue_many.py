"""Jobs in, a thousand a call, by SQL: against the INSERT of a thousand rows."""

from __future__ import annotations

from functools import partial

from tests.bench.measure import Against, Case, Measure, Sample, connections
from tests.bench.payload import PAYLOAD_TEXT
from tests.bench.pgbench import Load
from tests.bench.result import Goal
from tests.bench.rig import Rig
from tests.bench.subjects import FLOOR, FORGE

CONNECTIONS = (1, 4)
BATCH = 1000
GOAL = Goal(title="Enqueue by 1,000 ÷ bare INSERT of 1,000 rows", limit=0.6)
SENT_GOAL = Goal(title="Enqueue by 1,000 ÷ bare INSERT of 1,000 rows that are sent", limit=0.6)


def _take(subject: str, script: str, clients: int, rig: Rig) -> Sample:
    load = Load(
        script=script,
        clients=clients,
        seconds=rig.options.spell,
        each=2,
        variables={"payload": PAYLOAD_TEXT, "batch": BATCH, "fresh": 1},
    )
    with rig.database(subject) as database:
        return Sample({"jobs/s": rig.pgbench(database, load).per_second * BATCH})


def _case(subject: str, name: str, script: str, number: int, *against: Against) -> Case:
    take = partial(_take, subject, script, number)
    return Case(subject=subject, name=name, take=take, against=against)


def _cases(number: int) -> list[Case]:
    made, sent = connections(number), f"{connections(number)}, rows sent"
    return [
        _case(FLOOR, made, "floor_enqueue_many", number),
        _case(FLOOR, sent, "floor_enqueue_many_sent", number),
        _case(
            FORGE,
            made,
            "forge_enqueue_many",
            number,
            Against(subjects=[FLOOR], case=made, goal=GOAL),
            Against(subjects=[FLOOR], case=sent, goal=SENT_GOAL),
        ),
    ]


MEASURE = Measure(
    key="enqueue-many",
    title="Enqueue 1,000 a call (SQL)",
    about="pgbench: `forge.enqueue_many(document)`, where the document of 1,000 jobs is sent as "
    "text with every call; against `insert into bare … select … from generate_series(1, 1000)`, "
    "which is sent nothing but the payload, and against `insert into bare … select … from "
    "jsonb_array_elements(document)`, whose 1,000 payloads are sent as a client has to.",
    cases=[case for number in CONNECTIONS for case in _cases(number)],
    plot=True,
)
