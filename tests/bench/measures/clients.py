"""Jobs in, by each subject's own client."""

from __future__ import annotations

from functools import partial
from typing import Any

from tests.bench.children import ask
from tests.bench.measure import Against, Case, Measure, Sample
from tests.bench.result import Goal
from tests.bench.rig import Rig
from tests.bench.subjects import FORGE, PEERS, SUBJECTS

WAYS: dict[str, dict[str, Any]] = {
    "one by one, 1 connection": {"connections": 1},
    "one by one, 4 connections": {"connections": 4},
    "1,000 a call, 1 connection": {"connections": 1, "bulk": 1000},
}
GOAL = Goal(title="Enqueue from Python ÷ best peer's own client", limit=2.0)


def _take(name: str, way: str, rig: Rig) -> Sample:
    subject = SUBJECTS[name]
    with rig.database(name) as database:
        task = subject.task("enqueue", database, seconds=rig.options.spell, **WAYS[way])
        done = ask(subject.command(), task)
    return Sample({"jobs/s": done["jobs"] / done["seconds"]})


def _case(subject: str, way: str) -> Case:
    peers = Against(subjects=list(PEERS), case=way, goal=GOAL)
    return Case(
        subject=subject,
        name=way,
        take=partial(_take, subject, way),
        against=[peers] if subject == FORGE else [],
    )


MEASURE = Measure(
    key="clients",
    title="Enqueue by each one's own client",
    about="The call that its documentation shows, over a pool of so many connections with as many "
    "calls under way at once; and its call for many jobs, a thousand at a time.",
    cases=[_case(subject, way) for way in WAYS for subject in (FORGE, *PEERS)],
    plot=True,
)
