"""Sends jobs in each way there is: many in a call, one by one, as a batch, over HTTP."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

import httpx
from psycopg.types.json import Jsonb

from tests.soak.kinds import Basket, Job
from tests.soak.line import Line
from tests.soak.records import Record
from tests.soak.sides import MANY


@dataclass
class Producer:
    dsn: str
    http: httpx.AsyncClient
    record: Record

    def __post_init__(self) -> None:
        self.lines = Line(self.dsn), Line(self.dsn)

    async def bulk(self, jobs: list[Job]) -> None:
        if not jobs:
            return
        rows = await self.lines[0].run(MANY, Jsonb(jobs))
        self.record.seen("made", sum(row["created"] for row in rows))
        self.record.seen("unique key taken", sum(not row["created"] for row in rows))

    async def singles(self, basket: Basket) -> None:
        line = self.lines[1]
        for job in basket.single:
            await line.run(
                "select forge.enqueue('soak', %s, 'plain', %s)",
                Jsonb(job["payload"]),
                job["priority"],
            )
            self.record.seen("made")
        if basket.batch:
            await line.run(
                "select forge.enqueue_batch(%s, 'soak', %s, 'flows')",
                Jsonb(basket.batch),
                Jsonb({"do": "batches ended"}),
            )
            self.record.seen("made", len(basket.batch) + 1)

    async def post(self, jobs: list[Job]) -> None:
        if not jobs:
            return
        first, rest = jobs[0], jobs[1:]
        key = {"Idempotency-Key": secrets.token_hex(8)}
        (await self.http.post("/jobs", json=first, headers=key)).raise_for_status()
        self.record.seen("made")
        if rest:
            (await self.http.post("/jobs/batch", json={"jobs": rest})).raise_for_status()
            self.record.seen("made", len(rest))
