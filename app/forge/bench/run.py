"""One run: every measurement in turn, each within its budget, and nothing left behind."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from msgspec import Struct

from forge.bench.backlog import claim_beside_backlog
from forge.bench.consume import claim_and_complete, exchange
from forge.bench.measurement import Measurement, Stopwatch
from forge.bench.produce import enqueue_many, enqueue_one_by_one
from forge.bench.room import Room, open_room
from forge.bench.server import Server, describe
from forge.bench.snapshot import in_and_out_beside_snapshot
from forge.bench.work import pick_up, run_worker
from forge.client import Forge

# What is being done, how far it is, and out of how much.
Progress = Callable[[str, int, int], object]
Measure = Callable[[Room, Stopwatch], Awaitable[list[Measurement]]]

# Later ones use up what earlier ones put in; the last one leaves dead rows to whoever comes next.
MEASURES: tuple[tuple[str, Measure], ...] = (
    ("enqueue, one by one", enqueue_one_by_one),
    ("enqueue_many, by 1,000", enqueue_many),
    ("claim + complete, one by one", claim_and_complete),
    ("exchange, by 100", exchange),
    ("worker, end to end", run_worker),
    ("pick-up by a sleeping worker", pick_up),
    ("claim", claim_beside_backlog),
    ("snapshot open", in_and_out_beside_snapshot),
)
CLEANING = "removing the jobs"


class Report(Struct, frozen=True, kw_only=True):
    """What was measured, on what."""

    server: Server
    measurements: list[Measurement]


async def bench(forge: Forge, *, jobs: int, seconds: float, progress: Progress) -> Report:
    """Measure each for at most so many jobs and so many seconds."""
    server = await describe(forge)
    found: list[Measurement] = []
    async with open_room(forge, lambda done: progress(CLEANING, done, 0)) as room:
        for name, measure in MEASURES:
            found += await measure(room, _watch(name, jobs, seconds, progress))
    return Report(server=server, measurements=found)


def _watch(name: str, jobs: int, seconds: float, progress: Progress) -> Stopwatch:
    progress(name, 0, jobs)
    return Stopwatch(name, jobs, seconds, lambda done: progress(name, done, jobs))
