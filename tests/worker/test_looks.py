"""Conditions, which leave something behind in the session that looks at them."""

from __future__ import annotations

import asyncio

import pytest

from forge import Forge
from forge.worker import heart
from tests.database import Database

TICKING = """
select pid from pg_stat_activity
where application_name = 'forge worker tick' and datname = current_database()
"""


@pytest.mark.anyio
async def test_after_many_looks_a_worker_ticks_in_another_session(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(heart, "MOST_LOOKS", 1)
    db.rows("select forge.run_when('t', 'false', every => '1 second')")
    forge, stop, seen = Forge(db.dsn), asyncio.Event(), set[int]()
    worker = asyncio.create_task(forge.run_worker({"q": 1}, stop=stop, sql=True))
    async with asyncio.timeout(60):
        while len(seen) < 2 and not worker.done():
            seen |= {row["pid"] for row in await asyncio.to_thread(db.rows, TICKING)}
            await asyncio.sleep(0.05)
    stop.set()
    await worker
    await forge.close()
    assert len(seen) == 2
