"""`forge bench`: it measures, and leaves the database as it was."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time

import pytest

from forge.bench.run import MEASURES, bench
from forge.client import Forge as Client
from tests.cli.conftest import Forge
from tests.database import Database

NAMES = [
    "enqueue, one by one",
    "enqueue_many, by 1,000",
    "claim + complete, one by one",
    "exchange, by 100",
    "worker, end to end",
    "pick-up by a sleeping worker",
    "claim, few pending",
    "claim, many pending",
    "claim, many scheduled ahead",
    "snapshot open: first fifth",
    "snapshot open: last fifth",
]
# The ids are used up, and the tick has counted what came in; all else is as it was.
LEFT = """
select 'jobs', count(*) from forge.jobs
union all select 'history', count(*) from forge.history
union all select 'dead', count(*) from forge.dead_jobs
union all select 'queues', count(*) from forge.queues
union all select 'totals', count(*) from forge.queue_totals
union all select 'tallies', count(*) from forge.tallies
union all select 'samples', count(*) from forge.throughput_samples where queue <> ''
union all select 'workers', count(*) from forge.workers
"""


def left(db: Database) -> dict[str, int]:
    return {row["?column?"]: row["count"] for row in db.rows(LEFT)}


def test_it_measures_all_and_leaves_nothing(forge: Forge, db: Database) -> None:
    before = left(db)

    report = forge("bench", "--jobs", 300, "--seconds", 1, "--json").json

    found = {row["name"]: row for row in report["measurements"]}
    assert list(found) == NAMES
    assert all(row["jobs"] > 0 and row["seconds"] > 0 for row in found.values())
    assert 0 < found["pick-up by a sleeping worker"]["p50_ms"] < 1000
    backlogs = [row["backlog"] for name, row in found.items() if name.startswith("claim,")]
    assert backlogs == [100, 300, 400]
    assert all(found[name]["per_second"] > 0 for name in NAMES if name.startswith("snapshot"))
    assert {"fsync", "synchronous_commit", "shared_buffers"} <= report["server"]["settings"].keys()
    assert left(db) == before


def test_jobs_of_others_stay(forge: Forge, db: Database) -> None:
    mine = db.value("select forge.enqueue('email')")

    assert forge("bench", "--jobs", 5, "--seconds", 0.1).code == 0

    assert [row["id"] for row in db.rows("select id from forge.jobs")] == [mine]


def test_an_interrupt_ends_the_measuring_and_not_the_cleaning_up(db: Database) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "forge", "bench", "--seconds", "60", "--jobs", "1000000"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "DATABASE_URL": db.dsn},
    )
    try:
        deadline = time.monotonic() + 20
        while not db.value("select count(*) from forge.jobs") and time.monotonic() < deadline:
            assert process.poll() is None
        process.terminate()
        _, err = process.communicate(timeout=30)
    finally:
        process.kill()

    assert (process.returncode, b"Traceback" in err) == (130, False), err
    assert left(db)["jobs"] == 0


@pytest.mark.anyio
@pytest.mark.parametrize("name", [name for name, _ in MEASURES])
async def test_whatever_is_interrupted_leaves_nothing(db: Database, name: str) -> None:
    before = left(db)

    def progress(what: str, done: int, total: int) -> None:
        if what == name and done:
            running.cancel()

    async with Client(db.dsn) as forge:
        running = asyncio.create_task(bench(forge, jobs=20, seconds=1, progress=progress))
        with pytest.raises(asyncio.CancelledError):
            await running

    assert left(db) == before


@pytest.mark.parametrize(
    "args", [("--jobs", "0"), ("--jobs", "many"), ("--seconds", "0"), ("--seconds", "nan")]
)
def test_wrong_usage_exits_with_2(forge: Forge, args: tuple[str, ...]) -> None:
    assert forge("bench", *args).code == 2
