"""A run: install, measure the capacity, settle, stay at a share of it, let everything end."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg

from tests.bench import machine
from tests.database import SQL, connect
from tests.soak import records, report
from tests.soak.crew import Crew
from tests.soak.sample import DROPPED, Sampler
from tests.soak.slices import Slices
from tests.soak.verdicts import Sample, Verdict, lacking

SETUP = Path(__file__).with_name("setup.sql")
FILL = 2000
RAMP = 1 / 4  # of the time for the capacity, which does not count
DRAIN = 120.0
LEFT = "select count(*) as jobs from forge.jobs"
SHORT = 10  # minutes; in a shorter run slices are short, and the tick looks for them at once


@dataclass(frozen=True, kw_only=True)
class Options:
    minutes: float = 45.0
    seed: int = 1
    share: float = 0.7
    capacity_seconds: float = 60.0
    rate: float | None = None  # instead of measuring the capacity
    every: float = 10.0
    workers: int = 2
    patience: float = 0.0  # for features that a short run on a busy machine has not come to yet

    @property
    def again(self) -> str:
        rate = f" --rate {self.rate:g}" if self.rate is not None else ""
        share = f" --share {self.share:g}" if self.share != Options.share else ""
        return f"make soak ARGS='--minutes {self.minutes:g} --seed {self.seed}{rate}{share}'"


@dataclass
class Soak:
    dsn: str
    options: Options
    directory: Path
    say: Callable[[str], None] = print
    samples: list[Sample] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)

    def run(self, out: Path) -> list[Verdict]:
        """To its end, or until it is cut short; what was found until then is written either way."""
        self.facts = {
            "command": self.options.again,
            "again": self.options.again,
            "seed": self.options.seed,
            "began": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
            "commit": machine.commit(),
            "machine": machine.machine(self.dsn),
            "settings": {
                "PostgreSQL": machine.versions(self.dsn, ())["PostgreSQL"],
                **machine.settings(self.dsn),
            },
        }
        token = self._install()
        crew = Crew(self.dsn, self.directory, self.options.seed, token, self.options.workers)
        sampler = Sampler(self.dsn, crew.records, crew.pids)
        try:
            self._slices = Slices(self.dsn, self._slice())
            self._slices.begin()
            self._go(crew, sampler)
        except (Exception, KeyboardInterrupt) as error:  # there is a report all the same
            self.facts["cut"] = f"{type(error).__name__}: {error}"
            self.say(f"cut short by {self.facts['cut']}")
        finally:
            crew.end()
            self.facts |= {"surprises": crew.surprises, "seen": self._seen(sampler)}
            sampler.close()
            self._slices.close()
            self._keep_facts()
        return report.write(out, self.facts, self.samples)

    def _go(self, crew: Crew, sampler: Sampler) -> None:
        options, seconds = self.options, self.options.minutes * 60
        crew.start()
        rate = options.rate
        if rate is None:
            crew.tell(fill=FILL)
            self._watch("ramp", options.capacity_seconds * RAMP, crew, sampler)
            before, began = sampler.seen["asked"], time.monotonic()
            self._watch("capacity", options.capacity_seconds * (1 - RAMP), crew, sampler)
            asked = (sampler.seen["asked"] - before) / (time.monotonic() - began)
            self.facts["capacity"] = round(asked, 1)
            rate = options.share * asked
        self.facts["rate"] = round(rate, 1)
        self._keep_facts()
        self.say(
            f"capacity {self.facts.get('capacity', 'not measured')}, from now on {rate:,.0f}/s"
        )
        crew.tell(rate=rate)
        self._watch("settling", seconds / 15, crew, sampler)
        self._watch("steady", seconds, crew, sampler)
        patience = time.monotonic() + options.patience
        while lacking(self._seen(sampler)) and time.monotonic() < patience:
            self._watch("waiting", 1, crew, sampler)
        crew.end_load()
        self.facts["left"] = self._drain(crew, sampler)
        try:
            sampler.rows("set statement_timeout = '10min'")
            rows = sampler.rows((SQL / "invariants.sql").read_text())
            self.facts["violations"] = [row["violation"] for row in rows][:20]
        except psycopg.Error as error:
            self.say(f"invariants: {error}")

    def _watch(self, phase: str, seconds: float, crew: Crew, sampler: Sampler) -> None:
        """Look after everything for so long; with a sample at the end."""
        over = time.monotonic() + seconds
        told = time.monotonic()
        while (now := time.monotonic()) < over:
            look = min(over, now + self.options.every)
            while (now := time.monotonic()) < look:
                time.sleep(min(1.0, look - now))
                self._tend(crew)
            sample = sampler.take(phase)
            self.samples.append(sample)
            records.append(self.directory / "samples.jsonl", sample)
            if time.monotonic() > told + 30 or "missed" in sample:
                told = time.monotonic()
                self.say(report.progress(sample))

    def _tend(self, crew: Crew) -> None:
        crew.look_after()
        passed = self._slices.passed
        if (says := self._slices.try_to_turn()) is not None:
            self.say(f"slices: {says}")
        elif self._slices.passed > passed and self.options.minutes < SHORT:
            self._slices.conn.execute("delete from forge.tick_tasks where task = 'retention'")

    def _drain(self, crew: Crew, sampler: Sampler) -> int:
        """Nothing new comes; how many jobs did not end."""
        deadline = time.monotonic() + DRAIN
        left = -1
        while left and time.monotonic() < deadline:
            try:
                sampler.rows(
                    "select s.name, forge.unschedule(s.name) from forge.list_schedules() as s"
                )
                # Their worker was the load's.
                sampler.rows("select * from forge.cancel_jobs(queue => 'remote')")
                sampler.rows("select * from forge.resume('paused')")
                (row,) = sampler.rows(LEFT)
                left = int(row["jobs"])
            except psycopg.Error as error:
                self.say(f"draining: {error}")
            self._watch("drain", 1, crew, sampler)
        return left

    def _install(self) -> str:
        """What the run needs; the token of its callers."""
        with connect(self.dsn, autocommit=True) as conn:
            conn.execute(SETUP.read_bytes())
            row = conn.execute(
                "select token from forge.create_token('operator', 'soak')"
            ).fetchone()
        assert row is not None
        return str(row["token"])

    def _slice(self) -> timedelta:
        if self.options.minutes < SHORT:
            return timedelta(seconds=max(2.0, self.options.minutes * 4))
        return timedelta(minutes=2)

    def _seen(self, sampler: Sampler) -> dict[str, int]:
        sampler.take("end")  # what the processes wrote last
        try:
            (row,) = sampler.rows(DROPPED)
            sampler.seen["partitions dropped"] = self._slices.passed - int(row["slices"])
            # What is run by the server itself is not seen by a handler.
            (row,) = sampler.rows("select completed from forge.stats('sql')")
            sampler.seen["queue sql"] = int(row["completed"])
        except (psycopg.Error, ValueError, AttributeError) as error:
            self.say(f"at the end: {error}")
        return dict(sampler.seen)

    def _keep_facts(self) -> None:
        (self.directory / "facts.json").write_text(json.dumps(self.facts, indent=1))


def render(directory: Path, out: Path) -> tuple[dict[str, Any], list[Verdict]]:
    """The report of a run from what it wrote as it went, also of one that was cut short."""
    facts = json.loads((directory / "facts.json").read_text())
    samples = records.read(directory / "samples.jsonl")
    return facts, report.write(out, facts, samples)


def new_seed() -> int:
    return secrets.randbelow(10**6)
