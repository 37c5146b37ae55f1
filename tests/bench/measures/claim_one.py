"""Claim and complete one at a time, by SQL, and the exchange that does both at once."""

from __future__ import annotations

from functools import partial

from tests.bench.measure import Against, Case, Measure
from tests.bench.measures.claim import work_off
from tests.bench.result import Goal
from tests.bench.subjects import FLOOR, FORGE, FORGES, LEAN

CONNECTIONS = 4
PER_SECOND = 3_000
# The bare table keeps no history, so it is the fairer floor for a queue that keeps none.
FLOOR_GOALS = {
    FORGE: Goal(title="Claim + complete one at a time ÷ UPDATE + DELETE", limit=0.9),
    LEAN: Goal(title="Claim + complete one at a time, no history ÷ UPDATE + DELETE", limit=0.9),
}
EXCHANGE_GOAL = Goal(title="Exchange one at a time ÷ claim + complete", limit=1.6)

TWO_CALLS = "two calls"
EXCHANGE = "exchange"


SCRIPTS = {
    (FLOOR, TWO_CALLS): "floor_claim_one",
    (FORGE, TWO_CALLS): "forge_claim_one",
    (LEAN, TWO_CALLS): "forge_claim_one",
    (FORGE, EXCHANGE): "forge_exchange",
    (LEAN, EXCHANGE): "forge_exchange",
}


def _case(subject: str, name: str, *against: Against) -> Case:
    take = partial(
        work_off,
        subject=subject,
        script=SCRIPTS[subject, name],
        connections=CONNECTIONS,
        batch=1,
        per_second=PER_SECOND,
        variables={"ids": "{}", "leases": "{}", "batch": 1},
    )
    return Case(subject=subject, name=name, take=take, against=against)


def _cases(subject: str) -> list[Case]:
    return [
        _case(
            subject,
            TWO_CALLS,
            Against(subjects=[FLOOR], case=TWO_CALLS, goal=FLOOR_GOALS[subject]),
        ),
        _case(subject, EXCHANGE, Against(subjects=[subject], case=TWO_CALLS, goal=EXCHANGE_GOAL)),
    ]


MEASURE = Measure(
    key="claim-one",
    title="Claim and complete, one at a time (SQL, 4 connections)",
    about="pgbench on a backlog: `forge.dequeue()` and `forge.complete(…)`, two commits a job, "
    "against an UPDATE and a DELETE of the bare table; and `forge.exchange`, which completes one "
    "job and claims the next in one commit, against those two calls.",
    cases=[_case(FLOOR, TWO_CALLS), *(case for subject in FORGES for case in _cases(subject))],
    plot=True,
)
