"""What Forge costs while nothing happens: a worker, and the API with dashboards open."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx

from tests.api.serving import forge_api
from tests.bench.children import Child
from tests.bench.databases import Database
from tests.bench.measure import Case, Measure, Sample
from tests.bench.proc import cpu_seconds
from tests.bench.result import Goal
from tests.bench.rig import Rig
from tests.bench.statements import Asked
from tests.bench.subjects import FORGE, SUBJECTS

DASHBOARDS = 20
SETTLED = 3.0  # seconds after which the start is over
WATCHED = 20.0
ASKED = Goal(title="Idle: statements/s", limit=1.0, at_most=True)
BUSY = Goal(title="Idle: % of a core", limit=1.0, at_most=True)
GOALS = {"statements/s": ASKED, "transactions/s": ASKED, "% of a core": BUSY}


def _watch(rig: Rig, database: Database, pid: int) -> Sample:
    asked = Asked(database)
    time.sleep(rig.options.stretch(SETTLED))
    began, calls, cpu = time.monotonic(), asked.count(), cpu_seconds(pid)
    time.sleep(max(0.5, rig.options.stretch(WATCHED)))
    seconds = time.monotonic() - began
    return Sample(
        {
            asked.unit: (asked.count() - calls) / seconds,
            "% of a core": 100 * (cpu_seconds(pid) - cpu) / seconds,
        }
    )


def _worker(rig: Rig) -> Sample:
    forge = SUBJECTS[FORGE]
    with (
        rig.database(FORGE, alone=True) as database,
        Child(forge.command(), forge.task("work", database)) as worker,
    ):
        worker.wait_for("ready")
        worker.tell("go")
        return _watch(rig, database, worker.pid)


def _api(rig: Rig) -> Sample:
    with (
        rig.database(FORGE, alone=True) as database,
        forge_api(database.dsn) as (address, process),
        _dashboards(address),
    ):
        return _watch(rig, database, process.pid)


@contextmanager
def _dashboards(address: str) -> Iterator[None]:
    """Streams that are read to the end of the measurement, in a thread with a loop of its own."""
    ended, opened = asyncio.Event(), threading.Semaphore(0)
    loop = asyncio.new_event_loop()

    async def watch(client: httpx.AsyncClient) -> None:
        async with client.stream("GET", f"{address}/events") as response:
            response.raise_for_status()
            opened.release()
            async for _ in response.aiter_raw():
                pass

    async def all_of_them() -> None:
        async with httpx.AsyncClient(timeout=None, limits=httpx.Limits()) as client:
            streams = [asyncio.create_task(watch(client)) for _ in range(DASHBOARDS)]
            await ended.wait()
            for stream in streams:
                stream.cancel()
            await asyncio.gather(*streams, return_exceptions=True)

    thread = threading.Thread(target=loop.run_until_complete, args=(all_of_them(),))
    thread.start()
    try:
        for _ in range(DASHBOARDS):
            if not opened.acquire(timeout=20):
                raise TimeoutError("a dashboard's stream did not open")
        yield
    finally:
        loop.call_soon_threadsafe(ended.set)
        thread.join()
        loop.close()


MEASURE = Measure(
    key="idle",
    title="While nothing happens",
    about=f"Over {WATCHED:.0f} s: how much the database is asked, and the processor time of the "
    f"process that asks: a worker without jobs; the API with {DASHBOARDS} dashboards open.",
    cases=[
        Case(subject=FORGE, name="worker", take=_worker, goals=GOALS),
        Case(subject=FORGE, name=f"API with {DASHBOARDS} dashboards", take=_api, goals=GOALS),
    ],
)
