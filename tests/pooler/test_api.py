"""The API behind a pooler without an ear past it: it polls for those who wait and watch."""

from __future__ import annotations

import asyncio
import logging

import httpx
import pytest

from tests.api.serving import events, serving
from tests.database import Database

pytestmark = pytest.mark.anyio


async def test_those_who_wait_and_watch_are_served_by_polls(
    pooled: str, db: Database, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, "forge.api")
    async with (
        serving(pooled) as (url, _),
        httpx.AsyncClient(base_url=url, timeout=30) as client,
        client.stream("GET", "/events") as stream,
    ):
        asked = {"worker": "curl", "wait_seconds": 20}
        waiter = asyncio.create_task(client.post("/worker/dequeue", json=asked))
        while not caplog.messages:  # noqa: ASYNC110 - nothing else tells of it
            await asyncio.sleep(0.01)
        job_id = db.value("select forge.enqueue('noop')")

        (job,) = (await waiter).json()["items"]
        assert job["id"] == job_id
        async for name, data in events(stream.aiter_lines()):
            if name == "stats" and data["totals"]["processing"] == 1:
                break
    (said,) = caplog.messages
    assert "FORGE_LISTEN_URL" in said
