"""The demo: what it enqueues, who takes it, and all of it with a real worker."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec
import pytest

from forge.client import Forge
from forge.demo.jobs import demo_jobs
from forge.demo.producer import AT_ONCE, produce
from forge.demo.run import backdrop, run_demo
from forge.errors import DatabaseUnavailable, PermanentError, RetryLater
from forge.handlers import builtin
from forge.handlers.email import MailDeferred
from forge.handlers.email_message import EmailPayload, compose
from forge.handlers.report import ReportPayload
from forge.handlers.webhook import WebhookFailed
from forge.handlers.webhook_request import WebhookPayload, build
from tests.database import Database
from tests.handlers.conftest import MakeJob, make_job
from tests.handlers.waiting import until

pytestmark = pytest.mark.anyio
__all__ = ["make_job"]

JOBS = list(islice(demo_jobs(1, "http://127.0.0.1:9"), 1000))


def test_the_first_jobs_reach_every_queue() -> None:
    first = Counter(job["queue"] for job in JOBS[:AT_ONCE])

    assert set(first) == {"default", "emails", "webhooks", "reports"}


def test_jobs_have_priorities_and_some_are_for_later() -> None:
    later = sum("scheduled_at" in job for job in JOBS)

    assert {job["priority"] for job in JOBS} >= {-5, 0, 10}
    assert 20 < later < 200


def test_the_same_seed_makes_the_same_jobs() -> None:
    again = list(islice(demo_jobs(1, "http://127.0.0.1:9"), 1000))
    other = list(islice(demo_jobs(2, "http://127.0.0.1:9"), 1000))

    def shape(jobs: list[dict[str, Any]]) -> list[Any]:
        return [(job["type"], job["queue"], job["priority"]) for job in jobs]

    assert shape(again) == shape(JOBS) != shape(other)


def test_every_payload_is_one_that_its_handler_takes() -> None:
    for job in JOBS:
        match job["type"]:
            case "email":
                compose(msgspec.convert(job["payload"], EmailPayload), "a@example.com", "1")
            case "webhook":
                build(msgspec.convert(job["payload"], WebhookPayload))
            case _:
                msgspec.convert(job["payload"], ReportPayload)


class Recorder:
    """Takes what a `Forge` would enqueue; the second call finds no database."""

    def __init__(self) -> None:
        self.batches: list[int] = []
        self.calls = 0

    async def enqueue_many(self, jobs: list[Any]) -> None:
        self.calls += 1
        if self.calls == 2:
            raise DatabaseUnavailable("away")
        self.batches.append(len(jobs))


async def test_the_producer_is_bounded_and_survives_a_lost_database(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("forge.demo.producer.TRICKLE", 50.0)
    recorder, stop = Recorder(), asyncio.Event()
    rate = 30.0
    task = asyncio.create_task(
        produce(recorder, iter(JOBS), stop, rate=rate, limit=60)  # type: ignore[arg-type]
    )
    await until(lambda: sum(recorder.batches) > 60)
    stop.set()

    assert await task == sum(recorder.batches)
    assert recorder.batches[:3] == [AT_ONCE, 20, 50]  # the rest up to the limit, then the trickle


async def test_the_sink_takes_refuses_and_defers(
    blank_db: Database, tmp_path: Path, make_job: MakeJob
) -> None:
    async with backdrop(blank_db.dsn, tmp_path) as scene:
        email = builtin(blank_db.dsn, scene.env)["email"]
        await email(make_job({"to": "Ann <ann@example.com>", "text": "a\n.\nb"}))
        with pytest.raises(PermanentError, match="550"):
            await email(make_job({"to": "nobody@example.com"}))
        with pytest.raises(MailDeferred, match="451"):
            await email(make_job({"to": "busy@example.com"}))
        await email(make_job({"to": "busy@example.com"}))

    assert (scene.sink.mails, scene.sink.refused) == (2, 2)


async def test_the_receiver_checks_signatures_and_fails_at_times(
    blank_db: Database, tmp_path: Path, make_job: MakeJob
) -> None:
    outcomes: Counter[str] = Counter()
    async with backdrop(blank_db.dsn, tmp_path) as scene:
        scene.receiver._slowest = 0
        webhook = builtin(blank_db.dsn, scene.env)["webhook"]
        for number in range(100):
            try:
                await webhook(make_job({"url": f"{scene.receiver_url}/hooks/{number}"}))
                outcomes["taken"] += 1
            except (WebhookFailed, RetryLater) as error:
                outcomes[type(error).__name__] += 1
        unsigned = builtin(blank_db.dsn, scene.env | {"FORGE_WEBHOOK_SECRET": ""})["webhook"]
        for handler, path, status in ((unsigned, "hooks", 401), (webhook, "gone", 410)):
            with pytest.raises(PermanentError, match=str(status)):
                await handler(make_job({"url": f"{scene.receiver_url}/{path}/1"}))

    assert outcomes["taken"] > 60
    assert outcomes["WebhookFailed"] > 3
    assert outcomes["RetryLater"] > 1


async def test_reports_get_a_login_that_is_no_superuser_and_goes_away(
    blank_db: Database, tmp_path: Path, make_job: MakeJob
) -> None:
    roles = "select count(*) from pg_roles where rolname = 'forge_demo_reports'"
    async with backdrop(blank_db.dsn, tmp_path) as scene:
        report = builtin(blank_db.dsn, scene.env)["report"]
        query = "select current_setting('is_superuser') as su, current_user as who"
        await report(make_job({"query": query, "filename": "who"}))

    assert re.fullmatch(r"su,who\n(off,\w+)\n", (tmp_path / "who.csv").read_text())
    assert blank_db.value(roles) == 0


async def test_in_ten_seconds_there_is_something_to_see(db: Database, tmp_path: Path) -> None:
    environment: dict[str, str] = {}
    stop = asyncio.Event()
    async with Forge(db.dsn) as forge, asyncio.TaskGroup() as group:
        group.create_task(
            run_demo(forge, stop, rate=8, reports=tmp_path, environment=environment, limit=100)
        )
        await until(lambda: environment)
        for type, function in builtin(db.dsn, environment).items():
            forge.registry.register(type, function)
        queues = dict.fromkeys(("default", "emails", "webhooks", "reports"), 5)
        worker_stop = asyncio.Event()
        worker = group.create_task(forge.run_worker(queues, stop=worker_stop, grace=5.0))

        def seen() -> bool:
            rows = db.rows("select status, count(*) as n from forge.all_jobs group by status")
            by_status: dict[str, int] = {row["status"]: row["n"] for row in rows}
            return by_status.get("COMPLETED", 0) >= 20 and by_status.get("DEAD", 0) >= 1

        await until(seen, seconds=20)  # it takes 3 where nothing else runs
        worker_stop.set()
        await worker
        stop.set()

    types = {
        r["type"] for r in db.rows("select type from forge.all_jobs where status = 'COMPLETED'")
    }
    assert types >= {"email", "webhook"}
