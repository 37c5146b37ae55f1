"""Claims that wait for a job, over real sockets."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from forge.api import bell, keeper, waiting
from tests.api.expect import problem
from tests.api.jobs import enqueue
from tests.api.serving import PATIENCE, serving
from tests.database import Database
from tests.worker.processes import until

pytestmark = pytest.mark.anyio
NEVER = 3600.0

LISTENERS = (
    "select count(*) from pg_stat_activity "
    "where datname = current_database() and application_name = 'forge api listener'"
)
BELLS = (
    "select count(*) from pg_locks as l join pg_stat_activity as a on a.pid = l.pid "
    "where a.datname = current_database() and a.application_name = 'forge api listener' "
    "and l.locktype = 'advisory'"
)


async def becomes(db: Database, query: str, value: Any) -> None:
    """Waits until a query has this value."""
    await asyncio.to_thread(until, lambda: db.value(query) == value, why=query)


async def waiters(url: str, *bodies: dict[str, Any]) -> list[asyncio.Task[list[dict[str, Any]]]]:
    """Clients that wait, each in a task that ends with the jobs that it got."""

    async def wait(body: dict[str, Any]) -> list[dict[str, Any]]:
        async with httpx.AsyncClient(base_url=url, timeout=PATIENCE) as client:
            answer = await client.post("/worker/dequeue", json={"wait_seconds": 30, **body})
            assert answer.status_code == 200, answer.text
            items: list[dict[str, Any]] = answer.json()["items"]
            return items

    return [asyncio.create_task(wait(body)) for body in bodies]


@pytest.fixture
def no_polls(monkeypatch: pytest.MonkeyPatch) -> None:
    """What wakes a client is a notification, or nothing does."""
    monkeypatch.setattr(waiting, "POLL_SECONDS", NEVER)


async def test_a_job_that_is_there_is_claimed_at_once(db: Database, no_polls: None) -> None:
    job_id = enqueue(db, payload='{"a": 1}')
    async with serving(db.dsn) as (url, _):
        (waiter,) = await waiters(url, {"worker": "curl", "lease_seconds": 5})
        (job,) = await waiter
    assert (job["id"], job["payload"], job["attempts"]) == (job_id, {"a": 1}, 1)
    assert db.rows("select status, worker from forge.jobs") == [
        {"status": "PROCESSING", "worker": "curl"}
    ]


async def test_the_bell_wakes_one_client_a_job(db: Database, no_polls: None) -> None:
    async with serving(db.dsn) as (url, stop):
        waiting_clients = await waiters(url, *[{}] * 5)
        await becomes(db, BELLS, 1)
        ids = {enqueue(db)}
        (first,), _ = await asyncio.wait(waiting_clients, return_when=asyncio.FIRST_COMPLETED)
        ids |= {enqueue(db)}
        rest = [task for task in waiting_clients if task is not first]
        (second,), _ = await asyncio.wait(rest, return_when=asyncio.FIRST_COMPLETED)
        assert {job["id"] for task in (first, second) for job in task.result()} == ids
        stop.set()
        assert [await task for task in rest if task is not second] == [[], [], []]


async def test_one_notification_of_many_jobs_wakes_as_many_clients(
    db: Database, no_polls: None
) -> None:
    async with serving(db.dsn) as (url, _):
        waiting_clients = await waiters(url, *[{"max_jobs": 2}] * 3)
        await becomes(db, BELLS, 1)
        db.rows("select * from forge.enqueue_many(%s)", '[{"type": "t"}, {"type": "t"}, '
                '{"type": "t"}, {"type": "t"}, {"type": "t"}]')  # fmt: skip
        found = [await task for task in waiting_clients]
    assert sorted(len(jobs) for jobs in found) == [1, 2, 2]


async def test_those_who_wait_for_other_types_are_woken_too(db: Database, no_polls: None) -> None:
    async with serving(db.dsn) as (url, stop):
        a, both, b = await waiters(
            url, {"types": ["a"]}, {"types": ["b", "a"], "queue": "other"}, {"types": ["b"]}
        )
        await becomes(db, BELLS, 2)
        job_id = enqueue(db, type="b")
        assert [job["id"] for job in await b] == [job_id]
        job_id = enqueue(db, type="b", queue="other")
        assert [job["id"] for job in await both] == [job_id]
        stop.set()
        assert await a == []


async def test_many_clients_share_one_listener_which_goes_when_nobody_waits(
    db: Database, no_polls: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bell, "LINGER_SECONDS", 0.02)
    async with serving(db.dsn) as (url, _):
        clients = await waiters(url, *[{"queue": f"q{n % 3}"} for n in range(30)])
        await becomes(db, BELLS, 3)
        assert db.value(LISTENERS) == 1
        for n in range(30):
            enqueue(db, queue=f"q{n % 3}")
        for client in clients:
            assert len(await client) == 1
        await becomes(db, LISTENERS, 0)
        (again,) = await waiters(url, {})
        await becomes(db, BELLS, 1)
        enqueue(db)
        assert len(await again) == 1


async def test_without_a_listener_it_polls(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "POLL_SECONDS", 0.01)
    async with serving(db.dsn, listen_url="postgres://nobody@127.0.0.1:1/none") as (url, _):
        (waiter,) = await waiters(url, {})
        enqueue(db)
        assert len(await waiter) == 1


async def test_a_listener_that_is_lost_comes_back_and_has_missed_nothing(
    db: Database, no_polls: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bell, "RECONNECT_SECONDS", 0.01)
    async with serving(db.dsn) as (url, _):
        (waiter,) = await waiters(url, {})
        await becomes(db, BELLS, 1)
        db.rows(
            "select pg_terminate_backend(pid) from pg_stat_activity "
            "where datname = current_database() and application_name = 'forge api listener'"
        )
        enqueue(db)
        assert len(await waiter) == 1


async def test_a_job_for_later_comes_when_a_tick_tells_of_it(db: Database, no_polls: None) -> None:
    async with serving(db.dsn) as (url, _):
        (waiter,) = await waiters(url, {})
        await becomes(db, BELLS, 1)
        db.rows("select forge.enqueue('t', scheduled_at => forge.now() + interval '1 hour')")
        db.rows("update forge_test.clock set shift = '2 hours'")
        db.rows("select * from forge.tick()")
        assert len(await waiter) == 1


async def test_clients_that_never_poll_sleep_through_no_job(db: Database, no_polls: None) -> None:
    """Whatever the interleaving, and however loud the bell: nothing is missed or given twice."""
    wanted = 150
    found: list[int] = []

    async def work(url: str) -> None:
        async with httpx.AsyncClient(base_url=url, timeout=PATIENCE * 2) as client:
            while len(found) < wanted:
                answer = await client.post("/worker/dequeue", json={"wait_seconds": 30})
                for job in answer.json()["items"]:
                    told = {"id": job["id"], "lease": job["lease"]}
                    done = await client.post("/worker/complete", json=told)
                    assert done.json() == {"id": job["id"], "changed": True}
                    found.append(job["id"])

    def produce() -> None:
        connection = db.connect()
        for _ in range(wanted):
            connection.execute("select forge.enqueue('t')")

    async with serving(db.dsn) as (url, stop):
        workers = [asyncio.create_task(work(url)) for _ in range(6)]
        await asyncio.to_thread(produce)
        async with asyncio.timeout(PATIENCE * 2):
            await asyncio.wait(workers, return_when=asyncio.FIRST_COMPLETED)
        stop.set()
        await asyncio.wait(workers)
    assert len(found) == len(set(found)) == wanted


async def test_where_the_bell_would_ring_too_often_it_is_taken_down_and_polls_go_on(
    db: Database, no_polls: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bell, "BUSY", 2)
    monkeypatch.setattr(bell, "SPAN", NEVER)
    async with serving(db.dsn) as (url, _):
        (waiter,) = await waiters(url, {"types": ["mine"]})
        await becomes(db, BELLS, 1)
        for _ in range(3):
            enqueue(db, type="another's")
        await becomes(db, BELLS, 0)
        job_id = enqueue(db, type="mine")
        assert [job["id"] for job in await waiter] == [job_id]


async def test_an_error_is_told_to_the_one_who_looked_and_the_next_one_goes_on(
    db: Database, no_polls: None
) -> None:
    async with serving(db.dsn) as (url, _):
        first, second = await waiters(url, {}, {})
        await becomes(db, BELLS, 1)
        db.rows("alter function forge.dequeue rename to dequeue_hidden")
        db.rows("select pg_notify('forge', 'default')")
        (failed,), (waiter,) = await asyncio.wait(
            [first, second], return_when=asyncio.FIRST_COMPLETED
        )
        assert "JQ102" in str(failed.exception())
        db.rows("alter function forge.dequeue_hidden rename to dequeue")
        enqueue(db)
        assert len(await waiter) == 1


async def test_a_token_that_was_revoked_meanwhile_claims_nothing(
    db: Database, no_polls: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeper, "FRESH_SECONDS", 0.0)
    (token,) = db.rows("select * from forge.create_token('worker', 'a shell')")
    bearer = {"Authorization": f"Bearer {token['token']}"}
    async with serving(db.dsn) as (url, _), httpx.AsyncClient(base_url=url, timeout=PATIENCE) as it:
        waiting_for = asyncio.create_task(
            it.post("/worker/dequeue", json={"wait_seconds": 30}, headers=bearer)
        )
        await becomes(db, BELLS, 1)
        db.value("select count(*) from forge.revoke_token(%s)", token["id"])
        job_id = enqueue(db)
        problem(await waiting_for, 401, "JQ401")
    assert db.value("select status from forge.job(%s)", job_id) == "PENDING"


async def test_a_wait_ends_when_its_time_is_over(db: Database, no_polls: None) -> None:
    async with serving(db.dsn) as (url, _):
        (waiter,) = await waiters(url, {"wait_seconds": 0.05})
        assert await waiter == []


async def test_the_shutdown_ends_waits_at_once(
    db: Database, no_polls: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("forge.api.server.GRACE_SECONDS", NEVER)
    async with serving(db.dsn) as (url, stop):
        clients = await waiters(url, {}, {"types": ["a"]}, {"queue": "other"})
        await becomes(db, BELLS, 2)
        stop.set()
        assert [await client for client in clients] == [[], [], []]
    await becomes(db, LISTENERS, 0)


async def test_no_more_than_so_many_may_wait(
    db: Database, no_polls: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiting, "MAX_WAITING", 1)
    async with serving(db.dsn) as (url, stop):
        (waiter,) = await waiters(url, {})
        await becomes(db, BELLS, 1)
        async with httpx.AsyncClient(base_url=url) as client:
            answer = await client.post("/worker/dequeue", json={"wait_seconds": 1})
            assert problem(answer, 503, "JQ503")["name"] == "too_many_waiting"
            assert answer.headers["retry-after"]
            answer = await client.post("/worker/dequeue", json={})
            assert answer.json() == {"items": []}
        stop.set()
        assert await waiter == []
