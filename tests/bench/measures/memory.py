"""What a worker's memory does over a million jobs."""

from __future__ import annotations

import time

from tests.bench.children import Child
from tests.bench.measure import Case, Measure, Sample
from tests.bench.proc import resident_megabytes
from tests.bench.result import Goal
from tests.bench.rig import Rig
from tests.bench.subjects import FORGE, SUBJECTS

JOBS = 1_000_000
PATIENCE = 1800.0
EVERY = 0.5
GOAL = Goal(title="Worker's memory after 1,000,000 jobs ÷ after 100,000", limit=1.05, at_most=True)


def _take(rig: Rig) -> Sample:
    forge = SUBJECTS[FORGE]
    jobs = rig.options.jobs(JOBS)
    with rig.database(FORGE) as database:
        forge.fill(database, jobs)
        database.settle()
        with Child(forge.command(), forge.task("work", database)) as worker:
            worker.wait_for("ready")
            worker.tell("go")
            points = _until_done(worker, jobs)
    early = next(memory for done, memory in points if done >= jobs / 10)
    late = points[-1][1]
    return Sample(
        {"MB after a tenth": early, "MB after all": late, "late / early": late / early},
        {"MB": points},
    )


def _until_done(worker: Child, jobs: int) -> list[tuple[float, float]]:
    points: list[tuple[float, float]] = []
    deadline = time.monotonic() + PATIENCE
    while not points or points[-1][0] < jobs:
        if time.monotonic() > deadline:
            raise TimeoutError(f"{points[-1][0]} of {jobs} jobs after {PATIENCE} s")
        worker.check()
        points.append((worker.said.get("done", 0), resident_megabytes(worker.pid)))
        time.sleep(EVERY)
    return points


MEASURE = Measure(
    key="memory",
    title="A worker's memory over 1,000,000 jobs",
    about="The resident memory of one worker process with a handler that does nothing.",
    cases=[Case(subject=FORGE, name="1 process", take=_take, goals={"late / early": GOAL})],
    rounds=1,
    axes=("jobs", "MB"),
)
