"""Claim and complete a hundred at a time, by SQL: against a DELETE of a hundred rows."""

from __future__ import annotations

from functools import partial

from tests.bench.measure import Against, Case, Measure, connections
from tests.bench.measures.claim import work_off
from tests.bench.result import Goal
from tests.bench.subjects import FLOOR, FORGE, FORGES, LEAN

BATCH = 100
CONNECTIONS = (1, 4)
# Jobs a second, about: how many there are to be for a run of one spell.
PACES = {FLOOR: 100_000, FORGE: 40_000, LEAN: 40_000}
# The bare DELETE keeps no history, so it is the fairer floor for a queue that keeps none.
GOALS = {
    FORGE: Goal(title="Claim + complete by 100 ÷ bare DELETE of 100", limit=0.6),
    LEAN: Goal(title="Claim + complete by 100, no history ÷ bare DELETE of 100", limit=0.6),
}

WAYS: dict[str, tuple[str, dict[str, object]]] = {
    "exchange": ("forge_exchange", {"ids": "{}", "leases": "{}", "batch": BATCH}),
    "two calls": ("forge_claim_many", {"batch": BATCH}),
}


def _named(what: str, number: int) -> str:
    return f"{what}, {connections(number)}"


def _floor(number: int) -> Case:
    take = partial(
        work_off,
        subject=FLOOR,
        script="floor_claim_many",
        connections=number,
        batch=BATCH,
        per_second=PACES[FLOOR],
    )
    return Case(subject=FLOOR, name=_named("delete", number), take=take)


def _case(subject: str, way: str, number: int) -> Case:
    script, variables = WAYS[way]
    take = partial(
        work_off,
        subject=subject,
        script=script,
        connections=number,
        batch=BATCH,
        per_second=PACES[subject],
        variables=variables,
    )
    floor = Against(subjects=[FLOOR], case=_named("delete", number), goal=GOALS[subject])
    return Case(subject=subject, name=_named(way, number), take=take, against=[floor])


def _cases(number: int) -> list[Case]:
    forges = [_case(subject, way, number) for subject in FORGES for way in WAYS]
    return [_floor(number), *forges]


MEASURE = Measure(
    key="claim-many",
    title="Claim and complete, 100 at a time (SQL)",
    about="pgbench on a backlog: `forge.exchange` by 100, one commit; `forge.dequeue` and "
    "`forge.complete_many`, two commits; against `delete … where id = any(array(select … for "
    "update skip locked limit 100))`, through a partial index.",
    cases=[case for number in CONNECTIONS for case in _cases(number)],
    plot=True,
)
