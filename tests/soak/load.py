"""The load, a process of its own: makes jobs at the pace that its standard input says.

`{"rate": 700}`: so many a second, whatever becomes of them. `{"fill": 2000}`: as fast as they are
worked off, so that about so many are ready at any time. End of input: an end.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import httpx
import psycopg

from tests.soak.kinds import SCALING, draw
from tests.soak.line import Line
from tests.soak.producer import Producer
from tests.soak.records import Record
from tests.soak.sides import Sides
from tests.soak.visitors import Visitors

PRODUCERS = 4
STEP = 0.1
FILL = 50  # jobs of a step that has no pace: about what one has that does
MOST = 500  # of a step, when the load lags behind its pace
READY = (
    "select coalesce(sum(s.ready + s.processing), 0) as jobs from forge.stats() as s"
    " where s.queue = any(%s)"
)
T = TypeVar("T")
TROUBLES = (psycopg.Error, httpx.HTTPError, OSError)


@dataclass
class Load:
    dsn: str
    http: httpx.AsyncClient
    record: Record
    dice: random.Random
    rate: float = 0.0
    fill: int = 0
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    ready: int = 0

    def __post_init__(self) -> None:
        self.line = Line(self.dsn)

    def told(self, line: str) -> None:
        order = json.loads(line)
        self.rate, self.fill = order.get("rate", 0.0), order.get("fill", 0)

    async def run(self) -> None:
        sides = Sides(self.line, self.record, random.Random(self.dice.random()))
        visitors = Visitors(self.http, self.record, random.Random(self.dice.random()))
        producers = [Producer(self.dsn, self.http, self.record) for _ in range(PRODUCERS)]
        async with asyncio.TaskGroup() as group:
            for every, what in (*sides.all(), *visitors.all()):
                group.create_task(self._again(every, what))
            for producer in producers:
                group.create_task(self._produce(producer))
            group.create_task(self._look())
        # Whatever was paused when the end came runs too.
        with suppress(*TROUBLES):
            await self.line.run("select * from forge.resume('paused')")
        for line in (self.line, *(line for each in producers for line in each.lines)):
            await line.close()

    async def _again(self, every: float, what: Callable[[], Awaitable[None]]) -> None:
        while not self.ended.is_set():
            if self.rate or self.fill:
                await self._once(what)
            with suppress(TimeoutError):
                await asyncio.wait_for(self.ended.wait(), every)

    async def _once(self, what: Callable[[], Awaitable[None]]) -> None:
        doing = asyncio.ensure_future(what())
        ending = asyncio.ensure_future(self.ended.wait())
        await asyncio.wait({doing, ending}, return_when=asyncio.FIRST_COMPLETED)
        ending.cancel()
        if what.__name__ == "watch":
            doing.cancel()  # it would go on for half a minute
        await asyncio.wait({doing})
        error = None if doing.cancelled() else doing.exception()
        if isinstance(error, TROUBLES) and not isinstance(error, TimeoutError):
            self.trouble(what.__name__, error)
        elif error is not None and not isinstance(error, TimeoutError):
            raise error

    async def _look(self) -> None:
        """How many jobs are ready, while that is what the pace depends on."""
        while not self.ended.is_set():
            if self.fill:
                rows = await self._tried("ready", self.line.run(READY, list(SCALING)))
                self.ready = rows[0]["jobs"] if rows else self.fill
            await asyncio.sleep(0.1)

    async def _produce(self, producer: Producer) -> None:
        """One of those who share the pace, as one alone would set the limit."""
        loop = asyncio.get_running_loop()
        rate, began, asked = 0.0, loop.time(), 0.0
        while not self.ended.is_set():
            if self.fill:
                if self.ready < self.fill:
                    await self._step(producer, FILL)
                else:
                    await asyncio.sleep(0.02)
                continue
            if self.rate != rate:
                rate, began, asked = self.rate, loop.time(), 0.0
            due = rate / PRODUCERS * (loop.time() - began) - asked
            if due > MOST:  # said, and left out: what is late is not made up for
                self.record.seen("jobs left out", int(due - MOST))
                asked += due - MOST
                due = MOST
            if due >= 1:
                asked += await self._step(producer, int(due))
            await asyncio.sleep(STEP)

    async def _step(self, producer: Producer, many: int) -> int:
        basket = draw(self.dice, many)
        self.record.seen("asked", len(basket))
        await asyncio.gather(
            self._tried("bulk", producer.bulk(basket.bulk)),
            self._tried("single", producer.singles(basket)),
            self._tried("posted", producer.post(basket.posted)),
        )
        return len(basket)

    async def _tried(self, name: str, work: Awaitable[T]) -> T | None:
        try:
            return await work
        except TROUBLES as error:
            self.trouble(name, error)
            await asyncio.sleep(0.1)
            return None

    def trouble(self, name: str, error: Exception) -> None:
        self.record.trouble(f"{name}: {type(error).__name__}: {error}")


async def _run(options: argparse.Namespace) -> None:
    record = Record(options.records / "load.jsonl")
    limits = httpx.Limits(max_connections=20)
    headers = {"Authorization": f"Bearer {options.token}"}
    async with httpx.AsyncClient(
        base_url=options.url, headers=headers, timeout=30, limits=limits
    ) as http:
        load = Load(options.dsn, http, record, random.Random(options.seed))
        loop = asyncio.get_running_loop()
        running = asyncio.ensure_future(load.run())
        while line := await loop.run_in_executor(None, sys.stdin.readline):
            load.told(line)
        load.ended.set()
        await running
    record.close()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--dsn", required=True)
    parser.add_argument("--url", required=True)
    parser.add_argument("--token", required=True)
    parser.add_argument("--records", type=Path, required=True)
    parser.add_argument("--seed", required=True)
    asyncio.run(_run(parser.parse_args()))


if __name__ == "__main__":
    main()
