"""How long a claim takes beside what a queue may hold: millions pending, finished or scheduled."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from tests.bench import pgbench
from tests.bench.databases import Database
from tests.bench.measure import Against, Case, Measure, Sample
from tests.bench.rig import Rig
from tests.bench.subjects import FORGE, fill_forge

BASE = 10_000
CLAIMS = 4_000
PENDING, FINISHED, QUEUES, AHEAD = 5_000_000, 10_000_000, 1_000, 100_000
IN_EACH_QUEUE = 50
CHUNK = 100_000
DRAIN = 1_000  # jobs a claim, while the history is made


def _base(rig: Rig, database: Database) -> None:
    fill_forge(database, rig.options.jobs(BASE))


def _pending(rig: Rig, database: Database) -> None:
    fill_forge(database, rig.options.jobs(PENDING))


def _ahead(rig: Rig, database: Database) -> None:
    _base(rig, database)
    fill_forge(database, rig.options.jobs(AHEAD), due="1 hour")


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


SETTINGS = {
    "10,000 pending": Setting(_base),
    "5,000,000 pending": Setting(_pending),
    "10,000,000 finished": Setting(_finished),
    "1,000 queues": Setting(_queues, "forge_claim_from"),
    "100,000 scheduled ahead": Setting(_ahead),
}
FIRST, *REST = SETTINGS


def _take(name: str, rig: Rig) -> Sample:
    setting = SETTINGS[name]
    with rig.database(FORGE) as database:
        setting.fill(rig, database)
        database.settle()
        load = pgbench.Load(
            script=setting.script,
            clients=1,
            each=rig.options.jobs(CLAIMS, least=20),
            variables={"queues": _number_of_queues(rig)},
        )
        claim, complete = rig.pgbench(database, load).statements
    return Sample({"claim ms": claim, "complete ms": complete})


def _case(name: str) -> Case:
    against = None if name == FIRST else Against(subject=FORGE, case=FIRST)
    return Case(subject=FORGE, name=name, take=partial(_take, name), against=against)


MEASURE = Measure(
    key="backlog",
    title="A claim beside what a queue may hold (SQL, 1 connection)",
    about="pgbench, the mean times of the claim and of the completion as the client sees them, "
    "after the tables were filled and vacuumed.",
    cases=[_case(name) for name in SETTINGS],
    rounds=1,
)
