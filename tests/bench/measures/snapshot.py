"""What a transaction that stays open does to a queue: its dead rows cannot be cleaned up."""

from __future__ import annotations

from contextlib import ExitStack
from functools import partial
from statistics import mean

from tests.bench.databases import connect
from tests.bench.measure import Against, Case, Measure, Sample
from tests.bench.measures.flow import BATCH, flow
from tests.bench.result import Goal
from tests.bench.rig import Rig
from tests.bench.subjects import FORGE

SECONDS = 120.0
LEAST = 2.0
EDGE = 12  # the first and the last of so many parts are compared: ten seconds each

CLOSED = "no transaction open"
OPEN = "a snapshot open all the time"
GOALS = {
    "last / first": Goal(title="Snapshot open: last 10 s ÷ first 10 s", limit=0.9),
    "jobs": Goal(title="Snapshot open: jobs in 2 minutes", limit=300_000),
}


def _take(held: bool, rig: Rig) -> Sample:
    seconds = max(LEAST, rig.options.stretch(SECONDS))
    with rig.database(FORGE) as database, ExitStack() as stack:
        if held:
            holder = stack.enter_context(connect(database.dsn))
            holder.execute("begin isolation level repeatable read")
            holder.execute("select 1")  # the snapshot is taken by the first statement
        ran = flow(rig, database, seconds=seconds)
    points = [(at, tps * BATCH) for at, tps in ran.progress]
    edge = max(1, len(points) // EDGE)
    first = mean(rate for _, rate in points[:edge])
    last = mean(rate for _, rate in points[-edge:])
    figures = {
        "jobs": ran.per_second * BATCH * seconds,
        "jobs/s in the first 10 s": first,
        "jobs/s in the last 10 s": last,
        "last / first": last / first,
    }
    return Sample(figures, {"jobs/s": points})


MEASURE = Measure(
    key="snapshot",
    title="Two minutes with a snapshot open (SQL)",
    about=f"pgbench, 2 connections, {BATCH} jobs in and {BATCH} out at a time on a backlog of "
    "10,000, while another session holds a snapshot; against the same without it.",
    cases=[
        Case(subject=FORGE, name=CLOSED, take=partial(_take, False)),
        Case(
            subject=FORGE,
            name=OPEN,
            take=partial(_take, True),
            against=[Against(subjects=[FORGE], case=CLOSED)],
            goals=GOALS,
        ),
    ],
    rounds=1,
)
