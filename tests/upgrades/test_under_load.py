"""A database of the previous release is migrated while its workers and callers go on."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Hashable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

from forge.migrate import migrate
from tests.database import Database
from tests.upgrades.callers import WAIT, Caller, Claimer, Operator, Producer, Reader, Ticker
from tests.upgrades.catalogs import public_functions
from tests.upgrades.previous import Previous
from tests.worker.processes import until

SEED = int(os.environ.get("FORGE_UPGRADE_SEED", "1"))
ROUNDS = 8  # of each caller, before and after
NEED_ONE = {"next_runs"}  # of arguments that all have a default

SETUP = """
select forge.set_queue(q, retry_base => '0', retry_jitter => 0, max_retries => 50)
from unnest(array['plain', 'limited', 'real']) as q;
select forge.set_limits('limited', max_running => 20, key_max_running => 3, key_fifo => true)
"""
QUEUES = "queue in ('plain', 'limited', 'real')"
WAITS = """
select coalesce(max(extract(epoch from clock_timestamp() - l.waitstart)), 0)::float as seconds
from pg_locks as l
join pg_stat_activity as a on a.pid = l.pid
where not l.granted and a.datname = current_database()
    and (a.application_name like 'forge worker%' or a.application_name ~ '-[0-9]$')
"""


class Watch(threading.Thread):
    """The longest wait of a caller for a lock that was seen."""

    def __init__(self, database: Database) -> None:
        super().__init__(daemon=True)
        self._conn = database.connect()
        self._ending = threading.Event()
        self.longest = 0.0

    def run(self) -> None:
        while not self._ending.wait(0.02):
            row = self._conn.execute(WAITS.encode()).fetchone()
            assert row is not None
            self.longest = max(self.longest, row["seconds"])

    def end(self) -> None:
        self._ending.set()
        self.join(20)


@contextmanager
def old_worker(previous: Previous, dsn: str, notes: Path, log: Path) -> Iterator[None]:
    """`forge worker` of the previous release; what it says goes to `log`."""
    environment = previous.environment(dsn) | {
        "UPGRADE_NOTES": str(notes),
        "PGOPTIONS": f"-c lock_timeout={WAIT}",
    }
    options = ["--queue", "real=5", "--name", log.stem, "--poll-interval", "0.2"]
    command = [sys.executable, "-m", "forge", "worker", "tests.upgrades.app:forge", *options]
    with log.open("wb") as out:
        process = subprocess.Popen(command, env=environment, stdout=out, stderr=subprocess.STDOUT)
    try:
        yield
        process.terminate()
        assert process.wait(20) == 0
    finally:
        process.kill()
        process.wait(10)


def test_callers_and_workers_of_the_previous_release_go_on(
    old_db: Database, previous: Previous, tmp_path: Path
) -> None:
    for statement in SETUP.split(";"):
        old_db.rows(statement)
    readers = [
        (f.name, ", ".join(f'"{column}"' for column in f.columns) or "*")
        for f in public_functions(old_db).values()
        if not f.changes and f.needed == 0 and f.name not in NEED_ONE
    ]
    notes = tmp_path / "notes"
    logs = [tmp_path / f"old-{n}.log" for n in range(2)]
    producers = [Producer(old_db.dsn, f"producer-{n}", SEED) for n in range(2)]
    claimers = [
        Claimer(old_db.dsn, f"claimer-{n}", SEED, queue)
        for n, queue in enumerate(["plain", "plain", "limited"])
    ]
    others: list[Caller] = [
        Operator(old_db.dsn, "operator-0", SEED),
        Reader(old_db.dsn, "reader-0", SEED, readers),
        Reader(old_db.dsn, "reader-1", SEED, readers),
        Ticker(old_db.dsn, "ticker-0", SEED),
    ]
    callers: list[Caller] = [*producers, *claimers, *others]

    def failed() -> dict[str, Exception]:
        return {caller.name: caller.error for caller in callers if caller.error}

    def all_call_on() -> None:
        aims = {caller: caller.calls + ROUNDS for caller in callers}
        until(lambda: failed() or all(c.calls >= aim for c, aim in aims.items()), seconds=60)

    with ExitStack() as stack:
        for log in logs:
            stack.enter_context(old_worker(previous, old_db.dsn, notes, log))
        watch = Watch(old_db)
        threads: list[Caller | Watch] = [*callers, watch]
        for thread in threads:
            thread.start()
            stack.callback(thread.end)
        until(notes.exists, why="a worker of the previous release")
        all_call_on()
        with ThreadPoolExecutor(2) as pool:  # two migrators, as two pods that start at once
            reports = [pool.submit(migrate, old_db.dsn) for _ in range(2)]
            applied = sorted(len(report.result().migrations) for report in reports)
        all_call_on()
        for caller in [*producers, *others]:
            caller.end()
        left = f"select count(*) from forge.jobs where {QUEUES}"
        until(lambda: failed() or old_db.value(left) == 0, seconds=60, why="the jobs to end")
    print(f"longest wait {watch.longest:.3f} s; calls", {c.name: c.calls for c in callers})

    assert failed() == {}, f"FORGE_UPGRADE_SEED={SEED}"
    assert applied[0] == 0 < applied[1]
    acknowledged = sorted(id for producer in producers for id in producer.ids)
    assert ended(old_db) == [(id, "COMPLETED") for id in acknowledged]
    claims = [claim for claimer in claimers for claim in claimer.claims]
    assert repeated(claims) == []
    assert repeated(notes.read_text().splitlines()) == []
    assert troubles(logs) == []


def ended(database: Database) -> list[tuple[int, str]]:
    rows = database.rows(f"select id, status from forge.all_jobs where {QUEUES} order by id")
    return [(row["id"], row["status"]) for row in rows]


def repeated(runs: Sequence[Hashable]) -> list[Hashable]:
    """Attempts that were claimed twice."""
    return [run for run, times in Counter(runs).items() if times > 1]


def troubles(logs: list[Path]) -> list[str]:
    """What the workers said of the database and of lost leases."""
    lines = [line for log in logs for line in log.read_text().splitlines()]
    return [line for line in lines if " ERROR " in line or "lease_lost" in line]
