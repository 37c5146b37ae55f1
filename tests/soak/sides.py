"""What happens beside the load at a pace of its own: operators, limits, schedules, changes, edits.

Each is called again and again, and notes what came of it, so that a run can show that it was there.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from tests.soak.kinds import Job
from tests.soak.line import Line
from tests.soak.records import Record

ENQUEUE = "select forge.enqueue('soak', %s, %s) as id"
MANY = "select id, created from forge.enqueue_many(%s)"


@dataclass
class Sides:
    line: Line
    record: Record
    dice: random.Random

    def seen(self, name: str, rows: list[dict[str, Any]]) -> None:
        if rows:
            self.record.seen(name, len(rows))

    async def _enqueue(self, jobs: list[Job]) -> None:
        await self.line.run(MANY, Jsonb(jobs))

    async def a_wave_over_the_rate(self) -> None:
        jobs: list[Job] = [
            {"type": "soak", "queue": "rated", "concurrency_key": self.dice.choice("xyz")}
            for _ in range(80)
        ]
        await self._enqueue(jobs)

    async def a_pause(self) -> None:
        self.seen("paused", await self.line.run("select * from forge.pause('paused')"))
        jobs: list[Job] = [{"type": "soak", "queue": "paused"} for _ in range(20)]
        await self._enqueue(jobs)
        await asyncio.sleep(1)
        self.seen("resumed", await self.line.run("select * from forge.resume('paused')"))

    async def more_than_is_admitted(self) -> None:
        jobs: list[Job] = [{"type": "soak", "queue": "full"} for _ in range(60)]
        await self._enqueue(jobs)
        jobs = [{"type": "strict", "queue": "strict", "payload": {"number": n}} for n in range(40)]
        await self._enqueue(jobs[:5])
        for name, refused, error in (
            ("refused by admission", jobs, "JQ013"),
            ("refused by schema", [{"type": "strict", "queue": "plain"}], "JQ014"),
        ):
            try:
                await self._enqueue(refused)
            except psycopg.Error as refusal:
                if refusal.sqlstate != error:
                    raise
                self.record.seen(name)

    async def a_condition(self) -> None:
        await self.line.run(
            "select forge.run_when('soak', 'exists (select from soak.orders where status >= 0)',"
            " payload => %s, queue => 'later', every => '1 second')",
            Jsonb({"do": "conditions held"}),
        )

    async def changed_rows(self) -> None:
        await self.line.run(
            "update soak.orders set status = status + 1 where mod(id, 20) = %s",
            self.dice.randrange(20),
        )

    async def one_that_is_stopped(self) -> None:
        sleeper = Jsonb({"do": "sleep", "seconds": 8})
        (row,) = await self.line.run(ENQUEUE, sleeper, "long")
        await self.line.run(
            "select forge.enqueue('soak', %s, 'long', timeout => '1 second', max_retries => 0)",
            sleeper,
        )
        await asyncio.sleep(1)
        cancelled = await self.line.run("select * from forge.cancel(%s)", row["id"])
        self.seen("cancelled", cancelled)

    async def one_in_a_process(self) -> None:
        await self.line.run("select forge.enqueue('soak.process', queue => 'long')")

    async def edits(self) -> None:
        (edited,) = await self.line.run(
            "select changed from forge.edit_jobs(queue => 'later', tag => 'a', to_priority => %s)",
            self.dice.randrange(10),
        )
        self.record.seen("edited", edited["changed"])
        (ended,) = await self.line.run(
            "select changed from forge.cancel_jobs(queue => 'later', tag => 'b', max_jobs => 20)"
        )
        self.record.seen("cancelled by filter", ended["changed"])

    async def the_dead(self) -> None:
        revived = "select * from forge.retry_dead(queue => 'failing', max_jobs => 5, rate => %s)"
        if self.dice.random() < 0.5:
            self.seen("revived at a rate", await self.line.run(revived, 20))
        self.seen("revived", await self.line.run(revived, None))
        discarded = await self.line.run(
            "select * from forge.discard_dead(died_before => now() - interval '5 seconds',"
            " max_jobs => 500)"
        )
        self.seen("discarded", discarded)

    async def a_batch_of_steps(self) -> None:
        (row,) = await self.line.run(
            "select forge.open_batch('soak', %s, 'flows') as id", Jsonb({"do": "batches ended"})
        )
        jobs: list[Job] = [{"type": "soak", "queue": "flows", "batch": row["id"]} for _ in range(5)]
        await self._enqueue(jobs)
        await self.line.run("select forge.close_batch(%s)", row["id"])

    async def looks(self) -> None:
        """What people ask: why a job does not run, what is wrong, how long jobs wait."""
        for row in await self.line.run("select id from forge.list_jobs(max_rows => 1)"):
            self.seen(
                "explained", await self.line.run("select * from forge.explain(%s)", row["id"])
            )
        await self.line.run("select * from forge.warnings()")
        await self.line.run("select * from forge.latency()")
        await self.line.run("select * from forge.count_jobs(status => 'PENDING', tag => 'a')")

    def all(self) -> list[tuple[float, Callable[[], Awaitable[None]]]]:
        """With the seconds from one to the next."""
        return [
            (4, self.a_wave_over_the_rate),
            (6, self.a_pause),
            (3, self.more_than_is_admitted),
            (2, self.a_condition),
            (1, self.changed_rows),
            (3, self.one_that_is_stopped),
            (5, self.one_in_a_process),
            (2, self.edits),
            (3, self.the_dead),
            (1, self.a_batch_of_steps),
            (5, self.looks),
        ]
