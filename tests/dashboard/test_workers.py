"""Workers: who lives, what each has in hand, and draining one."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import Page, expect

from tests.dashboard.conftest import Tab, Visit, narrow
from tests.dashboard.jobs import enqueue
from tests.database import Clock, Database


def register(db: Database, worker: str = "w1", **options: Any) -> None:
    options = {"queues": ["mails"], "types": ["email"], "liveness": False} | options
    named = ", ".join(f"{name} => %({name})s" for name in ("worker", *options))
    db.value(f"select forge.register_worker({named})", worker=worker, **options)


def hand(db: Database, worker: str = "w1", queue: str = "mails") -> int:
    """A job that the worker has in hand."""
    enqueue(db, queue=queue)
    (job,) = db.rows("select id from forge.dequeue(%s, %s)", queue, worker)
    id: int = job["id"]
    return id


def draining(db: Database, worker: str = "w1") -> bool:
    found: bool = db.value(
        "select bool_or(draining_at is not null) from forge.list_workers() where worker = %s",
        worker,
    )
    return found


def test_a_row_says_what_a_worker_is_and_how_busy(visit: Visit, db: Database) -> None:
    register(db, concurrency=4, host="host-1", pid=17, version="9.8.7", queues=["mails", "logs"])
    hand(db)
    page = visit("workers")
    row = page.locator('main tr[data-key="w1"]')
    expect(row).to_contain_text("1 / 4")
    expect(row).to_contain_text("host-1")
    expect(row).to_contain_text("9.8.7")
    expect(row.get_by_role("img", name="Alive")).to_be_visible()
    expect(row.get_by_role("link", name="logs")).to_have_attribute("href", "#/queues/logs")
    expect(row.get_by_role("link", name="email")).to_have_attribute("href", "#/types/email")
    expect(page.get_by_role("list", name="Workers in numbers")).to_contain_text("of 4 places")


def test_a_worker_that_comes_and_one_that_is_lost(visit: Visit, db: Database, clock: Clock) -> None:
    page = visit("workers")
    expect(page.locator("main")).to_contain_text("forge worker myapp:forge")
    register(db)
    row = page.locator('main tr[data-key="w1"]')
    expect(row.get_by_role("img", name="Alive")).to_be_visible()
    clock.advance(minutes=2)
    expect(row.locator(".badge")).to_have_text("Lost")
    expect(row.get_by_role("button")).to_have_count(0)


def test_draining_is_undone(visit: Visit, db: Database) -> None:
    register(db)
    page = visit("workers")
    page.get_by_role("button", name="Drain worker w1").click()
    expect(page.locator('main tr[data-key="w1"] .badge')).to_have_text("Draining")
    assert draining(db)
    page.locator("#toasts").get_by_role("button", name="Undo").click()
    expect(page.get_by_role("button", name="Drain worker w1")).to_be_visible()
    assert not draining(db)


def test_one_worker_shows_the_jobs_in_hand(visit: Visit, db: Database) -> None:
    register(db, concurrency=4, host="host-1", pid=17)
    id = hand(db)
    page = visit("workers/w1")
    jobs = page.get_by_role("table", name="Jobs in hand")
    expect(jobs.locator(f'a[href="#/jobs/{id}"]')).to_have_text("email")
    expect(jobs).to_contain_text("1 of 11")
    expect(page.locator("main")).to_contain_text("host-1, process 17")
    (lease,) = db.rows("select lease from forge.jobs where id = %s", id)
    db.value("select forge.progress(%s, %s, 0.5, 'half')", id, lease["lease"])
    expect(jobs).to_contain_text("50 % half")
    db.value("select forge.complete(%s, %s)", id, lease["lease"])
    expect(page.locator("main")).to_contain_text("Nothing in hand")


def test_one_worker_is_drained_and_resumed(visit: Visit, db: Database) -> None:
    register(db)
    page = visit("workers/w1")
    page.get_by_role("button", name="Drain worker w1").click()
    expect(page.locator(".page-head .badge")).to_have_text("Draining")
    assert draining(db)
    page.get_by_role("button", name="Resume worker w1").click()
    expect(page.locator(".page-head .badge")).to_have_text("Alive")
    assert not draining(db)


def test_a_worker_that_is_gone(visit: Visit, tab: Tab, db: Database) -> None:
    tab.expects("status of 404")
    register(db)
    page = visit("workers/w1")
    expect(page.locator("main")).to_contain_text("Nothing in hand")
    db.value("select forge.unregister_worker('w1')")
    expect(page.locator("main")).to_contain_text("not registered any more")
    page.get_by_role("link", name="All workers").click()
    expect(page.locator("main")).to_contain_text("No worker is registered")


def test_a_type_that_nobody_runs_is_warned_of(visit: Visit, db: Database) -> None:
    register(db)
    enqueue(db, "thumbnail", queue="mails")
    page = visit("workers")
    expect(page.get_by_role("list", name="Warnings")).to_contain_text("type thumbnail")


def test_long_names_fit_a_phone(visit: Visit, db: Database) -> None:
    register(db, "w" * 200, queues=["q" * 200, "r" * 200], types=["t" * 200], host="h" * 200)
    page = visit("workers")
    narrow(page)
    page.locator("main a[data-row]").click()
    expect(page.locator("main")).to_contain_text("Nothing in hand")
    narrow(page)


def test_a_viewer_may_not_drain(visit_as_viewer: Visit, db: Database) -> None:
    register(db)
    page: Page = visit_as_viewer("workers")
    expect(page.locator("main tr[data-key='w1']")).to_contain_text("0 / 1")
    expect(page.locator("main [data-right]:visible")).to_have_count(0)
