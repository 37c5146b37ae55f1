"""The event stream, over real sockets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from forge.api import hub as hubs
from forge.api.hub import Hub, Publish
from forge.api.problems import TooManyViewers
from tests.api.conftest import TOKENS, bearer
from tests.api.jobs import dead, enqueue
from tests.api.serving import PATIENCE, events, serving
from tests.database import Database
from tests.worker import processes

pytestmark = pytest.mark.anyio
Seen = dict[str, Any]
TOPICS = {
    "stats",
    "queues",
    "jobs",
    "dead",
    "workers",
    "warnings",
    "schedules",
    "problem",
}


@asynccontextmanager
async def watching(url: str, **headers: str) -> AsyncIterator[AsyncIterator[tuple[str, Any]]]:
    async with (
        asyncio.timeout(PATIENCE),
        httpx.AsyncClient(timeout=None) as client,
        client.stream("GET", f"{url}/events", headers=headers) as answer,
    ):
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/event-stream")
        assert answer.headers["cache-control"] == "no-store"
        yield events(answer.aiter_lines())


async def until(stream: AsyncIterator[tuple[str, Any]], wanted: Callable[[Seen], Any]) -> Seen:
    """Reads until what has been seen is what was wanted."""
    seen: Seen = {}
    async for name, data in stream:
        seen[name] = data
        if wanted(seen):
            return seen
    raise AssertionError(f"the stream ended after {seen}")


async def test_a_viewer_gets_the_whole_picture_and_then_what_changes(db: Database) -> None:
    first = enqueue(db)
    async with serving(db.dsn) as (url, _), watching(url) as stream:
        seen = await until(stream, lambda seen: set(seen) == TOPICS)
        assert seen["problem"] is None
        assert seen["stats"]["totals"]["ready"] == 1
        (job,) = seen["jobs"]["items"]
        assert (job["id"], job["status"]) == (first, "PENDING")
        assert "payload" not in job

        died = dead(db, queue="other", error="e" * 1000)
        seen = await until(stream, lambda seen: seen.get("dead", {}).get("items"))
        assert seen["dead"]["dead"] == 1
        assert seen["dead"]["items"][0]["id"] == died
        assert seen["dead"]["items"][0]["error"] == "e" * 300


async def test_workers_warnings_and_schedules_are_as_the_routes_have_them(db: Database) -> None:
    db.rows("select forge.register_worker('w', '{default}', liveness => false)")
    db.rows("select forge.pause('halted')")
    db.rows("""select forge.schedule('s', '@daily', 't', '{"api_key": "k", "n": 1.50}')""")
    db.rows("select forge.schedule('large', '@daily', 't', to_jsonb(repeat('x', 20000)))")
    async with (
        serving(db.dsn) as (url, _),
        watching(url) as stream,
        httpx.AsyncClient(base_url=url) as client,
    ):
        seen = await until(stream, lambda seen: set(seen) == TOPICS)
        for topic in ("workers", "warnings", "schedules"):
            listed = (await client.get(f"/{topic}")).json()
            if topic == "schedules":  # who watches is anybody, so that nobody sees secrets
                listed["items"][1]["payload"]["api_key"] = "[redacted]"
            assert seen[topic] == listed
        assert seen["schedules"]["items"][0]["omitted"] == ["payload"]


async def test_all_viewers_share_one_sampler_which_rests_when_nobody_watches(
    db: Database,
) -> None:
    connections = (
        "select count(*) from pg_stat_activity "
        "where datname = current_database() and application_name = 'forge api events'"
    )
    async with serving(db.dsn) as (url, _):
        async with watching(url) as one, watching(url) as two, watching(url) as three:
            for stream in (one, two, three):
                await until(stream, lambda seen: set(seen) == TOPICS)
            assert await _becomes(db, connections, 1)
        assert await _becomes(db, connections, 0)


async def _becomes(db: Database, query: str, value: int) -> bool:
    return await asyncio.to_thread(processes.until, lambda: db.value(query) == value, why=query)


async def test_a_notification_hurries_the_sampler(db: Database) -> None:
    async with serving(db.dsn) as (url, _), watching(url) as stream:
        await until(stream, lambda seen: set(seen) == TOPICS)
        db.rows("select forge.pause('default')")
        await until(stream, lambda seen: seen.get("queues", {}).get("items"))


async def test_the_stream_ends_promptly_at_the_shutdown(db: Database) -> None:
    async with serving(db.dsn) as (url, stop), watching(url) as stream:
        await until(stream, lambda seen: set(seen) == TOPICS)
        started = asyncio.get_running_loop().time()
        stop.set()
        async for _ in stream:
            pass
        assert (
            asyncio.get_running_loop().time() - started < 4
        )  # left alone, the server would wait for 5


async def test_a_lost_database_is_told_and_found_again(db: Database) -> None:
    async with serving(db.dsn) as (url, _), watching(url) as stream:
        await until(stream, lambda seen: set(seen) == TOPICS)
        db.rows("alter function forge.stats rename to stats_hidden")
        seen = await until(stream, lambda seen: seen.get("problem"))
        assert (seen["problem"]["code"], seen["problem"]["status"]) == ("JQ102", 503)
        db.rows("alter function forge.stats_hidden rename to stats")
        await until(stream, lambda seen: "problem" in seen and seen["problem"] is None)


async def test_only_readers_may_watch(db: Database) -> None:
    async with serving(db.dsn, tokens=TOKENS) as (url, _), httpx.AsyncClient() as client:
        assert (await client.get(f"{url}/events")).status_code == 401
        for role in ("producer", "worker"):
            answer = await client.get(f"{url}/events", headers=bearer(role))
            assert answer.status_code == 403
        for role in ("viewer", "operator"):
            async with watching(url, **bearer(role)) as stream:
                await until(stream, lambda seen: "stats" in seen)


async def _no_sampler(_: Publish) -> None:
    await asyncio.Event().wait()


async def test_a_slow_viewer_skips_to_the_newest_picture() -> None:
    hub = Hub(_no_sampler)
    stream = hub.frames()
    assert await anext(stream) == b"retry: 2000\n\n"
    for number in range(1000):
        hub.publish("stats", number)
    assert await anext(stream) == b"event: stats\ndata: 999\n\n"
    hub.close()
    assert [frame async for frame in stream] == []
    assert hub.viewers == 0


async def test_the_same_picture_is_sent_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hubs, "BEAT_SECONDS", 0.01)
    hub = Hub(_no_sampler)
    stream = hub.frames()
    await anext(stream)
    hub.publish("stats", {"a": 1})
    assert b"data" in await anext(stream)
    hub.publish("stats", {"a": 1})
    assert await anext(stream) == b": beat\n\n"
    hub.close()
    assert [frame async for frame in stream] == []


async def test_there_is_room_for_so_many_viewers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hubs, "MAX_VIEWERS", 1)
    hub = Hub(_no_sampler)
    hub.admit()
    stream = hub.frames()
    await anext(stream)
    with pytest.raises(TooManyViewers):
        hub.admit()
    hub.close()
    assert [frame async for frame in stream] == []
    hub.admit()
