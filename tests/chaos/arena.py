"""A server of its own, a proxy before it, clients and workers; and what may be done to them."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import psycopg

from tests.chaos.client import Client
from tests.chaos.evidence import Rules
from tests.chaos.journal import Journal
from tests.chaos.proxy import Proxy
from tests.worker.own_server import OwnServer

ROOT = Path(__file__).parents[2]
WITNESS = Path(__file__).with_name("witness.sql")
CLIENTS, WORKERS = 3, 2
RULES = Rules(
    max_retries=3,
    max_running={"limited": 10},
    rates={"limited": (8, timedelta(milliseconds=200))},
    key_max_running={"limited": 2},
    in_order=frozenset({"fifo"}),
    by_priority=frozenset({"plain"}),
    registered=frozenset({"real-"}),
    schedules={"each second": timedelta(seconds=1)},
    no_overlap=frozenset({"skips", "queues"}),
)
SETUP = """
select forge.set_queue(
    q, max_retries => 3, retry_base => '0.1 seconds', retry_cap => '0.5 seconds', retry_jitter => 0
) from unnest(array['plain', 'limited', 'fifo', 'flow', 'timed', 'real']) as q;
select forge.schedule(
    'each second', 'every 1 second', 'chaos', '{"how": 0}', queue => 'timed',
    catch_up => 'all', catch_up_limit => 1000
);
select forge.schedule(
    o.name, 'every 1 second', 'chaos', '{"how": 0}', queue => 'timed', overlap => o.overlap
) from (values ('skips', 'skip'), ('queues', 'queue')) as o (name, overlap);
select forge.set_limits(
    'limited', max_running => 10, rate => 8, per => '200 milliseconds', key_max_running => 2
);
select forge.set_limits('fifo', key_fifo => true)
"""
# Files of the log are as large, so that only they have no room in half of it.
SEGMENT = ("--wal-segsize=64",)
QUOTA = 32 * 2**20
BACKENDS = """
select {}(a.pid) from pg_stat_activity as a
where a.datname = current_database() and a.pid <> pg_backend_pid()
    and a.backend_type = 'client backend'
order by random() limit %s
"""
SEEN = """
select count(distinct id) as jobs, coalesce(array_agg(distinct error_type), '{}') as errors
from witness.moves
"""
DEADLOCKS = "select deadlocks from pg_stat_database where datname = current_database()"


@dataclass
class Child:
    name: str
    process: subprocess.Popen[bytes]
    log: Path

    @property
    def alive(self) -> bool:
        return self.process.poll() is None


class Arena:
    """Everything that takes part. Children that end are replaced by `replace_the_dead`."""

    def __init__(self, own: OwnServer, proxy: Proxy, directory: Path, seed: int) -> None:
        self.own = own
        self.proxy = proxy
        self.directory = directory
        self.seed = seed
        self.dice = random.Random(f"{seed}-faults")
        self.children: dict[str, Child] = {}
        self.stopped: list[tuple[float, Child]] = []
        self.half_open_until: float | None = None
        self.surprises: list[str] = []
        self.deadlocks = 0
        self.panics = 0
        self.faults: Counter[str] = Counter()
        self.ends: Counter[str | None] = Counter()  # of workers that handlers brought to an end
        self._born: Counter[str] = Counter()
        self.dsn = f"postgresql://forge@127.0.0.1:{proxy.port}/postgres"

    def set_up(self) -> None:
        with self.own.connect() as conn:
            conn.execute(WITNESS.read_bytes())
            for statement in SETUP.split(";"):
                conn.execute(statement.encode())
        first = Client(self.own.dsn, Journal(self.directory / "first.jsonl", "first"), self.dice)
        first.enqueue_these(first.orders.bad())
        first.close()
        for number in range(CLIENTS):
            self._start_client(f"client-{number}")
        for number in range(WORKERS):
            self._start_worker(f"real-{number}")

    # Children

    def _spawn(self, place: str, *command: str, **environment: str) -> None:
        number = self._born[place]
        log = self.directory / f"{place}.{number}.log"
        with log.open("wb") as out:
            process = subprocess.Popen(
                [sys.executable, "-m", *command],
                cwd=ROOT,
                env={**os.environ, "PYTHONUNBUFFERED": "1", **environment},
                stdout=out,
                stderr=subprocess.STDOUT,
            )
        self.children[place] = Child(f"{place}.{number}", process, log)

    def _start_client(self, place: str) -> None:
        self._born[place] += 1
        name = f"{place}.{self._born[place]}"
        journal = self.directory / f"{name}.jsonl"
        options = ["--dsn", self.dsn, "--journal", str(journal), "--name", name]
        self._spawn(place, "tests.chaos.client", *options, "--seed", f"{self.seed}-{name}")

    def _start_worker(self, place: str) -> None:
        self._born[place] += 1
        name = f"{place}.{self._born[place]}"
        options = ["--queue", "real=5", "--lease", "3", "--name", name, "--poll-interval", "0.5"]
        options += ["--grace", "5", "--unwind", "0.5", "--max-abandoned", "3"]
        clock = self._clock(place)
        if not clock.exists():
            clock.write_text("0")
        self._spawn(
            place,
            "tests.chaos.wrong_clock",
            str(clock),
            "worker",
            "tests.chaos.app:forge",
            *options,
            DATABASE_URL=f"{self.dsn}?sslmode=disable&gssencmode=disable",
            CHAOS_JOURNAL=str(self.directory / f"{name}.jsonl"),
        )

    def _clock(self, place: str) -> Path:
        """Says by how many seconds the clock of a worker is wrong."""
        return self.directory / f"{place}.clock"

    def replace_the_dead(self) -> None:
        for place, child in list(self.children.items()):
            if child.alive:
                continue
            if not self._may_end(place, child):
                said = child.log.read_text(errors="replace")[-2000:]
                self.surprises.append(f"{child.name} ended with {child.process.returncode}: {said}")
            start = self._start_worker if place.startswith("real") else self._start_client
            start(place)

    def _may_end(self, place: str, child: Child) -> bool:
        """Killed by a fault; or by a handler that ends its process, or does not stop."""
        status = child.process.returncode
        if status == -signal.SIGKILL or not place.startswith("real"):
            return status == -signal.SIGKILL
        said = child.log.read_text(errors="replace")
        why = "os._exit" if status == 3 else None
        if status == 1:
            why = next((mark for mark in ("JQ106", "worker.hangs") if mark in said), None)
        self.ends[why] += 1
        return why is not None

    def wake_the_stopped(self, *, all: bool = False) -> None:
        for due, child in list(self.stopped):
            if all or due <= time.monotonic():
                child.process.send_signal(signal.SIGCONT)
                self.stopped.remove((due, child))
        # Nothing could tell a connection that is silent for ever from a slow answer.
        until = self.half_open_until
        if until is not None and (all or until <= time.monotonic()):
            self.half_open_until = None
            self.proxy.cut()

    def end(self, seconds: float = 15) -> None:
        """Asks all to end, then kills."""
        self.wake_the_stopped(all=True)
        for child in self.children.values():
            if child.alive:
                child.process.terminate()
        deadline = time.monotonic() + seconds
        for child in self.children.values():
            try:
                child.process.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                child.process.kill()
                child.process.wait(10)

    def _one(self, kind: str) -> Child:
        names = sorted(name for name in self.children if name.startswith(kind))
        return self.children[self.dice.choice(names)]

    # Faults

    def kill_a_client(self) -> None:
        self._one("client").process.kill()

    def kill_a_worker(self) -> None:
        self._one("real").process.kill()

    def stop_a_client(self) -> None:
        self._stop(self._one("client"))

    def stop_a_worker(self) -> None:
        self._stop(self._one("real"))

    def _stop(self, child: Child) -> None:
        # Longer than its lease, or shorter.
        child.process.send_signal(signal.SIGSTOP)
        self.stopped.append((time.monotonic() + self.dice.choice([0.5, 3, 5]), child))

    def terminate_backends(self) -> None:
        self._on_backends("pg_terminate_backend", self.dice.choice([1, 1, 3]))

    def cancel_statements(self) -> None:
        self._on_backends("pg_cancel_backend", 5)

    def _on_backends(self, function: str, most: int) -> None:
        with self.own.connect() as conn:
            conn.execute(BACKENDS.format(function).encode(), (most,))

    def crash_the_server(self) -> None:
        self.count_deadlocks()  # which a crash forgets
        self.own.stop()
        time.sleep(self.dice.choice([0, 0.5]))
        self.own.start()

    def fill_the_disk(self) -> None:
        """Where the log lies; the server panics, and comes back when there is room again."""
        self.count_deadlocks()
        self.own.fill_the_log(QUOTA)
        deadline = time.monotonic() + 5
        while self.own.up and time.monotonic() < deadline:
            time.sleep(0.05)
        self.panics += "PANIC" in self.own.log
        self.own.stop()
        self.own.start()

    def set_a_clock(self) -> None:
        """Of a worker, an hour forth or back, or right again."""
        place = self.dice.choice([f"real-{number}" for number in range(WORKERS)])
        draft = self.directory / "clock"
        draft.write_text(str(self.dice.choice([-3600, 0, 3600])))
        draft.rename(self._clock(place))

    def cut_connections(self) -> None:
        self.proxy.cut()

    def delay_everything(self) -> None:
        self.proxy.delay = 0.1
        time.sleep(1)
        self.proxy.delay = 0

    def half_open_connections(self) -> None:
        self.proxy.half_open()
        self.half_open_until = time.monotonic() + self.dice.choice([1, 4])

    def swallow_answers(self) -> None:
        self.proxy.swallow(self.dice.choice([1, 3]))

    def use_up_connections(self) -> None:
        hoard: list[psycopg.Connection[tuple[object, ...]]] = []
        try:
            while len(hoard) < 60:
                hoard.append(psycopg.connect(self.own.dsn))
        except psycopg.OperationalError:
            self.proxy.cut()  # whoever comes back finds no room
            time.sleep(0.5)
        finally:
            for connection in hoard:
                connection.close()

    def seen(self) -> tuple[int, set[str]]:
        """How many jobs, and what attempts failed of."""
        with self.own.connect() as conn:
            (row,) = conn.execute(SEEN.encode()).fetchall()
        return row["jobs"], set(row["errors"])

    def count_deadlocks(self) -> None:
        with self.own.connect() as conn:
            row = conn.execute(DEADLOCKS.encode()).fetchone()
        self.deadlocks += row["deadlocks"] if row else 0


FAULTS = [
    (4, Arena.kill_a_client),
    (3, Arena.kill_a_worker),
    (3, Arena.stop_a_client),
    (2, Arena.stop_a_worker),
    (5, Arena.terminate_backends),
    (3, Arena.cancel_statements),
    (1, Arena.crash_the_server),
    (3, Arena.cut_connections),
    (1, Arena.delay_everything),
    (1, Arena.half_open_connections),
    (6, Arena.swallow_answers),
    (1, Arena.use_up_connections),
    (3, Arena.set_a_clock),
]
if shutil.which("prlimit"):
    FAULTS.append((1, Arena.fill_the_disk))
