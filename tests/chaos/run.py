"""The chaos run: clients and workers under faults, then peace, then the proof."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from psycopg.conninfo import conninfo_to_dict

from tests.chaos.arena import FAULTS, RULES, Arena
from tests.chaos.checker import Finding, check
from tests.chaos.client import Client
from tests.chaos.evidence import Evidence, Lies
from tests.chaos.journal import UNKNOWN, Journal, read
from tests.chaos.moves import Move
from tests.chaos.orders import ERRORS, QUEUES
from tests.chaos.proxy import Proxy
from tests.database import SQL
from tests.worker.own_server import OwnServer

LIE = """
select id, 'jobs' as table, status, payload ->> 'nonce' as nonce, lease::text, null as result
from forge.jobs
union all
select id, 'history', status, payload ->> 'nonce', lease::text, result #>> '{}' from forge.history
union all
select id, 'dead_jobs', status, payload ->> 'nonce', lease::text, null from forge.dead_jobs
"""
LEFT = "select id from forge.jobs"
# What keeps jobs waiting: batches that nobody closed, and parents that failed.
OPEN = "select o.child as id from forge.open_dependencies as o where o.child = o.parent"
FAILED = """
select distinct o.parent as id
from forge.open_dependencies as o join forge.all_jobs as a on a.id = o.parent
where a.status in ('DEAD', 'CANCELLED')
"""
PRELUDE = 40.0
PEACE = 60.0


@dataclass(frozen=True)
class Outcome:
    seed: int
    seconds: float
    jobs: int
    claims: int
    calls: int
    unknown: int
    swallowed: int
    panics: int
    ends: Counter[str]
    faults: Counter[str]
    moves: Counter[tuple[str | None, str | None, str | None]]
    errors: Counter[str]
    findings: list[Finding]

    def __str__(self) -> str:
        done = ", ".join(f"{times} {name}" for name, times in sorted(self.faults.items()))
        lines = [
            f"{self.jobs} jobs, {self.claims} claims, {self.calls} calls of which {self.unknown}"
            f" were never answered ({self.swallowed} answers swallowed)",
            f"{self.faults.total()} faults: {done}; the server panicked {self.panics} times",
            f"workers that handlers brought to an end: {dict(self.ends)}",
            f"{len(self.findings)} findings",
            *(f"  {line}" for line in self._findings()),
            f"again: {again(self.seed, self.seconds)}",
        ]
        return "\n".join(lines)

    def _findings(self) -> Iterator[str]:
        """A few of each rule, as one fault may be found a thousand times."""
        for rule, times in Counter(finding.rule for finding in self.findings).items():
            yield f"{rule}: {times}"
            yield from [f"  {each.says}" for each in self.findings if each.rule == rule][:5]


def again(seed: int, seconds: float) -> str:
    return f"make chaos ARGS='--seed {seed} --minutes {seconds / 60:g}'"


def chaos(
    own: OwnServer,
    directory: Path,
    *,
    seed: int,
    seconds: float,
    least: int = 0,
    say: Callable[[str], None] = print,
) -> Outcome:
    """So many seconds of faults on a fresh server; what came out, with all that was found.

    Up to twice as many where the machine is slow, until there are at least so many jobs.
    """
    say(f"chaos: {again(seed, seconds)}")
    socket = Path(str(conninfo_to_dict(own.dsn)["host"])) / ".s.PGSQL.5432"
    with Proxy(socket) as proxy:
        arena = Arena(own, proxy, directory, seed)
        arena.set_up()
        try:
            _make_trouble(arena, seconds, least)
        finally:
            arena.end()
    left = _work_off(own, directory)
    arena.count_deadlocks()
    evidence = gather(own, directory)
    findings = check(evidence)
    findings += [Finding("no_process_ends_unasked", says) for says in arena.surprises]
    if left:
        findings.append(Finding("everything_comes_to_an_end", f"{left} jobs are still live"))
    if arena.deadlocks:
        findings.append(Finding("no_deadlocks", f"there were {arena.deadlocks}"))
    with own.connect() as conn:
        rows = conn.execute((SQL / "invariants.sql").read_bytes()).fetchall()
    findings += [Finding("invariants", row["violation"]) for row in rows]
    calls = [call for call in evidence.calls if call.name != "run"]
    return Outcome(
        seed=seed,
        seconds=seconds,
        jobs=len(evidence.by_job),
        claims=sum(move.came == "PROCESSING" for move in evidence.moves),
        calls=len(calls),
        unknown=sum(call.outcome == UNKNOWN for call in calls),
        swallowed=proxy.swallowed,
        panics=arena.panics,
        ends=Counter({why: times for why, times in arena.ends.items() if why}),
        faults=arena.faults,
        moves=Counter((move.gone, move.came, move.rule) for move in evidence.moves),
        errors=Counter(move.error_type for move in evidence.moves if move.error_type),
        findings=findings,
    )


def _make_trouble(arena: Arena, seconds: float, least: int) -> None:
    # Each once in the order of the dice, so that a short run has all; then by their weights.
    first = [fault for _, fault in FAULTS]
    arena.dice.shuffle(first)
    weights = [weight for weight, _ in FAULTS]
    begin = time.monotonic()
    # First what handlers do, as on a slow machine no worker may live long enough for it later.
    while time.monotonic() < begin + PRELUDE and not arena.seen()[1].issuperset(ERRORS.values()):
        time.sleep(0.2)
    begin = time.monotonic()
    while (passed := time.monotonic() - begin) < seconds or (
        passed < 2 * seconds and arena.seen()[0] < least
    ):
        fault = first.pop() if first else arena.dice.choices([f for _, f in FAULTS], weights)[0]
        fault(arena)
        arena.faults[fault.__name__] += 1
        pause = time.monotonic() + arena.dice.uniform(0.1, 1.2)
        while time.monotonic() < pause:
            arena.wake_the_stopped()
            arena.replace_the_dead()
            time.sleep(0.05)


def _work_off(own: OwnServer, directory: Path) -> int:
    """In peace: everything that is left is run to its end; how many jobs could not be."""
    journal = Journal(directory / "peace.jsonl", "peace")
    client = Client(own.dsn, journal, random.Random("peace"))
    deadline = time.monotonic() + PEACE
    with own.connect() as conn:

        def ids(query: str) -> list[int]:
            return [row["id"] for row in conn.execute(query.encode()).fetchall()]

        conn.execute("select forge.pause_schedule(name) from forge.list_schedules()")
        while (jobs := len(ids(LEFT))) and time.monotonic() < deadline:
            client.tick()
            before = len(client.held)
            for queue in (*QUEUES, "real"):
                client.claim_from(queue, 200)
            if len(client.held) == before == 0:
                client.batches = ids(OPEN)
                while client.batches:
                    client.close_batch()
                for id in ids(FAILED):
                    client.retry_one(id)
                time.sleep(0.05)
            while client.held:
                client.complete_many()
    client.close()
    return jobs


def gather(own: OwnServer, directory: Path) -> Evidence:
    """Everything that is known of the run."""
    with own.connect() as conn:
        moves: list[Any] = conn.execute(
            b"select m.*, m.lease::text as lease from witness.moves as m order by n"
        ).fetchall()
        lie = conn.execute(LIE.encode()).fetchall()
        rows = conn.execute(
            b"select from_status, to_status, by from forge.transitions()"
        ).fetchall()
    return Evidence(
        calls=read(directory.glob("*.jsonl")),
        seen=[Move(**{**move, "lease": move["lease"] and str(move["lease"])}) for move in moves],
        lie=[Lies(**row) for row in lie],
        transitions=frozenset((row["from_status"], row["to_status"], row["by"]) for row in rows),
        rules=RULES,
    )
