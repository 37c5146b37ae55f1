"""From a full queue to an empty one, by each subject's own workers with empty handlers."""

from __future__ import annotations

import time
from contextlib import ExitStack
from functools import partial

from tests.bench.children import Child, until
from tests.bench.databases import Database
from tests.bench.measure import Against, Case, Measure, Sample
from tests.bench.result import Goal
from tests.bench.rig import Rig
from tests.bench.subjects import FORGE, LEAN, PEERS, SUBJECTS, Subject

PROCESSES = (1, 2)
# Jobs a second, about: how many there are to be for a run of one spell.
PACES = {
    FORGE: 40_000,
    LEAN: 50_000,
    "graphile-worker": 30_000,
    "pg-boss": 20_000,
    "procrastinate": 400,
    "pgqueuer": 12_000,
}
PATIENCE = 20  # spells
GOALS = {
    LEAN: [(list(PEERS), Goal(title="Worker, no history ÷ best peer", limit=1.5))],
    FORGE: [
        (["graphile-worker"], Goal(title="Worker ÷ graphile-worker", limit=1.0)),
        (["pg-boss"], Goal(title="Worker ÷ pg-boss", limit=2.0)),
    ],
}


def _take(name: str, processes: int, rig: Rig) -> Sample:
    subject = SUBJECTS[name]
    jobs = rig.options.backlog(PACES[name])
    with rig.database(name) as database, ExitStack() as stack:
        subject.fill(database, jobs)
        database.settle()
        task = subject.task("work", database)
        workers = [stack.enter_context(Child(subject.command(), task)) for _ in range(processes)]
        for worker in workers:
            worker.wait_for("ready")
        for worker in workers:
            worker.tell("go")
        began, ended = _emptied(workers, subject, database, jobs, 60 + PATIENCE * rig.options.spell)
    return Sample({"jobs/s": jobs / (ended - began) * 1e9})


def _emptied(
    workers: list[Child], subject: Subject, database: Database, jobs: int, patience: float
) -> tuple[int, int]:
    """When the first handler began, and when the database said that no job is unfinished.

    It is asked only once the handlers have seen every job, so as not to be in their way.
    """

    def handled() -> bool:
        for worker in workers:
            worker.check()
        return sum(int(worker.said.get("done", 0)) for worker in workers) >= jobs

    def complain() -> None:
        done = [worker.said.get("done", 0) for worker in workers]
        raise TimeoutError(f"{subject.name}: {done} of {jobs} jobs after {patience} s")

    until(handled, patience, complain)
    until(lambda: subject.unfinished(database) == 0, patience, complain)
    ended = time.monotonic_ns()
    # One that came too late for any job has none.
    began = [worker.said["first"] for worker in workers if worker.said.get("first")]
    return min(began), ended


def _case(subject: str, processes: int) -> Case:
    name = f"{processes} process{'es' * (processes > 1)}"
    return Case(
        subject=subject,
        name=name,
        take=partial(_take, subject, processes),
        against=[
            Against(subjects=others, case=name, goal=goal)
            for others, goal in GOALS.get(subject, ())
        ],
    )


MEASURE = Measure(
    key="end-to-end",
    title="Workers with a handler that does nothing",
    about="A queue is filled and its tables vacuumed; then the subject's own worker processes "
    "empty it. The clock runs from the first handler's start, in whichever process, until the "
    "database holds no unfinished job; starting up is not in it.",
    cases=[_case(subject, number) for number in PROCESSES for subject in PACES],
    plot=True,
)
