"""How long a claim takes beside what a queue may hold: millions pending, finished or scheduled."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from statistics import median

from tests.bench import pgbench
from tests.bench.databases import Database
from tests.bench.measure import Case, Measure, Sample
from tests.bench.result import Goal
from tests.bench.rig import Rig
from tests.bench.subjects import FORGE, fill_forge

BASE = 10_000
CLAIMS, TURNS = 4_000, 5
STATEMENTS = ("claim", "complete")
PENDING, FINISHED, QUEUES, AHEAD = 5_000_000, 10_000_000, 1_000, 100_000
IN_EACH_QUEUE = 50
HIGHER = 10  # the priority of those that a claim has to pass over
CHUNK = 100_000
DRAIN = 1_000  # jobs a claim, while the history is made
GOAL = Goal(title="Claim, complete beside a backlog ÷ beside 10,000 jobs", limit=1.2, at_most=True)


def _base(rig: Rig, database: Database) -> None:
    fill_forge(database, rig.options.jobs(BASE))


def _pending(rig: Rig, database: Database) -> None:
    fill_forge(database, rig.options.jobs(PENDING))


def _ahead(rig: Rig, database: Database) -> None:
    _base(rig, database)
    fill_forge(database, rig.options.jobs(AHEAD), due="1 hour", priority=HIGHER)


def _queues(rig: Rig, database: Database) -> None:
    for number in range(1, _number_of_queues(rig) + 1):
        fill_forge(database, IN_EACH_QUEUE, f"bench-{number}")


def _number_of_queues(rig: Rig) -> int:
    return rig.options.jobs(QUEUES, least=10)


def _finished(rig: Rig, database: Database) -> None:
    """Through the front door, chunk by chunk, as a history grows."""
    left = rig.options.jobs(FINISHED)
    while left > 0:
        chunk = min(CHUNK, left)
        fill_forge(database, chunk)
        each = -(-chunk // DRAIN // 2)
        load = pgbench.Load(
            script="forge_claim_many", clients=2, each=each + 1, variables={"batch": DRAIN}
        )
        rig.pgbench(database, load)
        left -= chunk
    _base(rig, database)


@dataclass(frozen=True)
class Setting:
    fill: Callable[[Rig, Database], None]
    script: str = "forge_claim_one"


BESIDE = Setting(_base)
SETTINGS = {
    "5,000,000 pending": Setting(_pending),
    "10,000,000 finished": Setting(_finished),
    "1,000 queues": Setting(_queues, "forge_claim_from"),
    "100,000 scheduled ahead": Setting(_ahead),
}


def _take(name: str, rig: Rig) -> Sample:
    """In turns with the base, each of them many times: one slow run decides nothing."""
    setting = SETTINGS[name]
    with rig.database(FORGE) as database, rig.database(FORGE) as base:
        for each, where in ((setting, database), (BESIDE, base)):
            each.fill(rig, where)
            where.settle()
        pairs = [(_run(rig, BESIDE, base), _run(rig, setting, database)) for _ in range(TURNS)]
    figures = {}
    for at, what in enumerate(STATEMENTS):
        figures[f"{what} ms"] = median(mine[at] for _, mine in pairs)
        figures[f"{what} ms beside 10,000 pending"] = median(other[at] for other, _ in pairs)
        # pgbench tells thousandths of a millisecond: what takes less counts as one
        figures[f"{what}: ratio"] = median(
            max(mine[at], 0.001) / max(other[at], 0.001) for other, mine in pairs
        )
    return Sample(figures)


def _run(rig: Rig, setting: Setting, database: Database) -> list[float]:
    load = pgbench.Load(
        script=setting.script,
        clients=1,
        each=rig.options.jobs(CLAIMS / TURNS, least=5),
        variables={"queues": _number_of_queues(rig)},
    )
    return rig.pgbench(database, load).statements


def _case(name: str) -> Case:
    goals = {f"{what}: ratio": GOAL for what in STATEMENTS}
    return Case(subject=FORGE, name=name, take=partial(_take, name), goals=goals)


MEASURE = Measure(
    key="backlog",
    title="A claim beside what a queue may hold (SQL, 1 connection)",
    about="pgbench, the mean times of the claim and of the completion as the client sees them, "
    "after the tables were filled and vacuumed. Each case takes turns with a database that holds "
    f"10,000 pending jobs, {TURNS} runs of {CLAIMS // TURNS} jobs each; a ratio is the median of "
    "those of the turns. What is scheduled ahead has a higher priority.",
    cases=[_case(name) for name in SETTINGS],
    rounds=1,
)
