"""Who comes by HTTP: dashboards that watch, a scraper, readers of lists, a worker like curl."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import httpx

from tests.soak.records import Record

PAGES = (
    "/stats",
    "/stats/history",
    "/jobs?status=PENDING",
    "/jobs?status=COMPLETED&queue=plain",
    "/dlq",
    "/dlq/groups",
    "/queues",
    "/workers",
    "/schedules",
    "/health/ready",
)


ENDS: list[tuple[str, dict[str, Any]]] = [
    ("complete", {"result": {"ok": True}}),
    ("complete", {}),
    ("fail", {"error": "no", "retry_in_seconds": 0.2}),
    ("snooze", {"delay_seconds": 0.2}),
    ("release", {}),
]


@dataclass
class Visitors:
    http: httpx.AsyncClient
    record: Record
    dice: random.Random

    async def scrape(self) -> None:
        answer = (await self.http.get("/metrics")).raise_for_status()
        self.record.seen("scraped", answer.text.count("\n"))

    async def read(self) -> None:
        (await self.http.get(self.dice.choice(PAGES))).raise_for_status()
        self.record.seen("pages read")

    async def watch(self) -> None:
        """For half a minute, as dashboards are opened and closed."""
        async with asyncio.timeout(30), self.http.stream("GET", "/events", timeout=None) as stream:
            stream.raise_for_status()
            async for line in stream.aiter_lines():
                if line.startswith("event:"):
                    self.record.seen("events watched")

    async def work(self) -> None:
        """Claims, says how far it is, ends: completed, failed, snoozed or given back."""
        # Of ten that it claims some four end, and the others come back: more would pile up.
        jobs = [{"type": "remote", "queue": "remote", "max_retries": 2} for _ in range(3)]
        (await self.http.post("/jobs/batch", json={"jobs": jobs})).raise_for_status()
        claim = {
            "queue": "remote",
            "worker": "curl",
            "max_jobs": 10,
            "lease_seconds": 30,
            "wait_seconds": 1,
        }
        claimed = await self.http.post("/worker/dequeue", json=claim)
        for job in claimed.raise_for_status().json()["items"]:
            held = {"id": job["id"], "lease": job["lease"]}
            beat = {"worker": "curl", "jobs": [held]}
            await self._ask("heartbeat", beat)
            await self._ask("progress", {**held, "value": 0.5})
            end, more = self.dice.choice(ENDS)
            await self._ask(end, {**held, **more})
            self.record.seen(f"by HTTP: {end}")

    async def _ask(self, what: str, body: Mapping[str, Any]) -> None:
        (await self.http.post(f"/worker/{what}", json=body)).raise_for_status()

    def all(self) -> list[tuple[float, Callable[[], Awaitable[None]]]]:
        return [
            (5, self.scrape),
            (1, self.read),
            (0.1, self.watch),
            (0.1, self.watch),
            (0.1, self.watch),
            (2, self.work),
        ]
