"""How soon the jobs of a killed worker run again."""

from __future__ import annotations

import time

from tests.bench.children import Child, until
from tests.bench.measure import Case, Measure, Sample
from tests.bench.result import Goal
from tests.bench.rig import Rig
from tests.bench.subjects import FORGE, SUBJECTS

JOBS = 10
SETTLED = 2.0  # seconds after which the second worker has gone to sleep
PATIENCE = 90.0  # seconds: a lease and more
GOAL = Goal(title="A killed worker's jobs run again, seconds", limit=1.5, at_most=True)


def _take(rig: Rig) -> Sample:
    forge = SUBJECTS[FORGE]
    with rig.database(FORGE, alone=True) as database:
        forge.fill(database, JOBS)
        stuck = forge.task("work", database, hang=True)
        with (
            Child(forge.command(), stuck) as first,
            Child(forge.command(), forge.task("work", database)) as second,
        ):
            _start(first)
            until(lambda: first.said.get("done") == JOBS, PATIENCE, first.check)
            _start(second)
            time.sleep(min(SETTLED, rig.options.stretch(SETTLED * 10)))
            killed = time.monotonic()
            first.kill()
            until(lambda: second.said.get("done") == JOBS, PATIENCE, second.check)
            return Sample({"seconds": time.monotonic() - killed})


def _start(worker: Child) -> None:
    worker.wait_for("ready")
    worker.tell("go")


MEASURE = Measure(
    key="crash",
    title="A worker is killed",
    about=f"One worker holds {JOBS} jobs that hang, another one sleeps. From the SIGKILL of the "
    "first until the second has begun all of them; the lease is 60 s.",
    cases=[Case(subject=FORGE, name="SIGKILL", take=_take, goals={"seconds": GOAL})],
)
