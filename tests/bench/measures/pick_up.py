"""How soon an idle worker begins with a job, alone and beside other work."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from statistics import quantiles

from tests.bench import pgbench
from tests.bench.children import Child, ask
from tests.bench.databases import Database
from tests.bench.measure import Against, Case, Measure, Sample
from tests.bench.payload import PAYLOAD_TEXT
from tests.bench.result import Goal
from tests.bench.rig import Rig
from tests.bench.subjects import FORGE, PEERS, SUBJECTS

JOBS = 500
PAUSE = 0.02  # seconds: enough for any of them to acknowledge the last job and to fall asleep
ALONE = "idle"
BESIDE = "beside 2,000 jobs/s of others"
RATE = 2_000
GOAL = Goal(title="Pick-up by an idle worker ÷ best peer", limit=1.0, at_most=True)
BESIDE_GOAL = Goal(title="Pick-up beside 2,000 jobs/s of others, p99 ms", limit=50, at_most=True)


def _spans(rig: Rig, name: str, database: Database) -> dict[str, float]:
    subject = SUBJECTS[name]
    jobs = rig.options.jobs(JOBS, least=10)
    task = subject.task("latency", database, jobs=jobs, pause=PAUSE)
    percentiles = quantiles(ask(subject.command(), task)["ms"], n=100, method="inclusive")
    return {"p50 ms": percentiles[49], "p99 ms": percentiles[98]}


def _alone(name: str, rig: Rig) -> Sample:
    with rig.database(name) as database:
        return Sample(_spans(rig, name, database))


def _beside(rig: Rig) -> Sample:
    """Another worker runs what pgbench puts into another queue at an even pace."""
    with rig.database(FORGE) as database, _others(rig, database) as other:
        began, before = time.monotonic(), other.said.get("done", 0)
        spans = _spans(rig, FORGE, database)
        pace = (other.said["done"] - before) / (time.monotonic() - began)
    return Sample({**spans, "others' jobs/s": pace})


@contextmanager
def _others(rig: Rig, database: Database) -> Iterator[Child]:
    forge = SUBJECTS[FORGE]
    load = pgbench.Load(
        script="forge_enqueue_beside",
        clients=4,
        seconds=600,
        rate=RATE,
        variables={"payload": PAYLOAD_TEXT},
    )
    with Child(forge.command(), forge.task("work", database, queue="beside")) as worker:
        worker.wait_for("ready")
        worker.tell("go")
        with pgbench.running(rig.server.pgbench, database.dsn, load):
            worker.wait_for("done")
            yield worker


def _case(subject: str) -> Case:
    peers = Against(subjects=list(PEERS), case=ALONE, goal=GOAL)
    return Case(
        subject=subject,
        name=ALONE,
        take=partial(_alone, subject),
        against=[peers] if subject == FORGE else [],
    )


MEASURE = Measure(
    key="pick-up",
    title="Pick-up by an idle worker",
    about="One process holds the worker and a client: from the moment before the client's call to "
    "the start of the handler, one job at a time, with pauses in which the worker falls asleep.",
    cases=[
        *(_case(subject) for subject in (FORGE, *PEERS)),
        Case(subject=FORGE, name=BESIDE, take=_beside, goals={"p99 ms": BESIDE_GOAL}),
    ],
)
