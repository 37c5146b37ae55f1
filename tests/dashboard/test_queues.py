"""The list of queues: numbers, limits, and the switch that stops one."""

from __future__ import annotations

from playwright.sync_api import Locator, Page, expect

from tests.dashboard.conftest import Tab, Visit, narrow
from tests.dashboard.jobs import claim, die, enqueue
from tests.database import Database


def row(page: Page, queue: str) -> Locator:
    return page.locator(f'main tr[data-key="{queue}"]')


def paused(db: Database, queue: str = "mails") -> str | None:
    """Why it is paused; empty: for no reason, null: it is not."""
    reason: str | None = db.value(
        "select max(coalesce(pause_reason, '')) from forge.list_queues()"
        " where queue = %s and paused_at is not null",
        queue,
    )
    return reason


def test_a_row_has_numbers_that_lead_to_the_jobs(visit: Visit, db: Database) -> None:
    die(db, queue="mails")
    for _ in range(3):
        enqueue(db, queue="mails")
    claim(db, "mails")
    enqueue(db, queue="mails", scheduled_at="2100-01-01")
    page = visit("queues")
    expect(row(page, "mails").locator(".bar")).to_have_attribute(
        "aria-label", "2 jobs ready, 1 running"
    )
    expect(row(page, "mails").locator("td.end")).to_contain_text(["2", "1", "1", "0", "1"])
    expect(row(page, "mails").locator("time")).to_have_count(1)
    expect(row(page, "mails").get_by_role("link", name="mails")).to_have_attribute(
        "href", "#/queues/mails"
    )
    expect(row(page, "mails").locator('a[href="#/dead?queue=mails"]')).to_have_text("1")
    expect(row(page, "mails").locator('a[href$="status=PROCESSING"]')).to_have_text("1")


def test_limits_stand_under_the_name(visit: Visit, db: Database) -> None:
    enqueue(db, queue="mails")
    db.rows(
        "select * from forge.set_limits('mails', max_running => 20, rate => 100,"
        " per => '1 minute', key_fifo => true)"
    )
    db.rows("select * from forge.set_admission('mails', max_depth => 10000)")
    page = visit("queues")
    expect(row(page, "mails")).to_contain_text(
        "20 at once · 100 a minute · each key in order · takes in 10,000"
    )


def test_a_pause_says_why_and_is_undone(visit: Visit, db: Database) -> None:
    enqueue(db, queue="mails")
    page = visit("queues")
    page.get_by_role("button", name="Pause queue mails").click()
    page.get_by_label("Reason").fill("the server moves")
    page.keyboard.press("Enter")
    expect(row(page, "mails").locator(".badge")).to_have_text("Paused")
    expect(row(page, "mails").locator(".badge")).to_have_attribute("title", "the server moves")
    assert paused(db) == "the server moves"
    page.locator("#toasts").get_by_role("button", name="Undo").click()
    expect(row(page, "mails").locator(".badge")).to_have_count(0)
    assert paused(db) is None


def test_resuming_is_undone_with_the_same_reason(visit: Visit, db: Database) -> None:
    enqueue(db, queue="mails")
    db.rows("select * from forge.pause('mails', reason => 'by hand')")
    page = visit("queues")
    page.get_by_role("button", name="Resume queue mails").click()
    expect(page.locator("#toasts")).to_contain_text("Queue mails runs again")
    assert paused(db) is None
    page.locator("#toasts").get_by_role("button", name="Undo").click()
    expect(page.locator("#toasts").get_by_role("button", name="Undo")).to_have_count(0)
    assert paused(db) == "by hand"
    expect(page.get_by_role("button", name="Resume queue mails")).to_be_visible()


def test_what_the_api_refuses_is_said_in_the_form(visit: Visit, tab: Tab, db: Database) -> None:
    tab.expects("status of 409")
    enqueue(db, queue="mails")
    page = visit("queues")
    page.route(
        "**/queues/mails",
        lambda route: route.fulfill(
            status=409,
            content_type="application/problem+json",
            json={"title": "it is not to be", "detail": "queue=mails", "code": "JQ999"},
        ),
    )
    page.get_by_role("button", name="Pause queue mails").click()
    page.locator("#pause").get_by_role("button", name="Pause").click()
    expect(page.locator("#pause [role=alert]")).to_contain_text("queue=mails · JQ999")
    assert paused(db) is None


def test_it_is_live_and_an_empty_list_says_what_to_do(visit: Visit, db: Database) -> None:
    page = visit("queues")
    expect(page.locator("main")).to_contain_text("select forge.enqueue('email'")
    enqueue(db, queue="mails")
    expect(row(page, "mails")).to_be_visible()
    expect(page.get_by_text("select forge.enqueue('email'")).to_be_hidden()


def test_a_queue_that_nobody_pulls_from_is_warned_of(visit: Visit, db: Database) -> None:
    enqueue(db, queue="mails")
    page = visit("queues")
    expect(page.get_by_role("list", name="Warnings")).to_contain_text("no registered worker")


def test_a_viewer_sees_and_may_not_pause(visit_as_viewer: Visit, db: Database) -> None:
    enqueue(db, queue="mails")
    page = visit_as_viewer("queues")
    expect(row(page, "mails")).to_contain_text("mails")
    expect(page.get_by_role("button", name="Pause queue mails")).to_have_count(0)


def test_a_hostile_name_of_199_letters_fits_a_phone(visit: Visit, db: Database) -> None:
    name = ("<script>alert(1)</script>/../" * 8)[:199]
    enqueue(db, "t" * 200, queue=name)
    page = visit("queues")
    narrow(page)
    page.locator("main a[data-row]").click()
    expect(page.locator("h1")).to_contain_text(name)
    expect(page.locator("main")).to_contain_text("Newest jobs")
    narrow(page)
    page.get_by_role("button", name="Pause", exact=True).click()
    page.locator("#pause").get_by_role("button", name="Pause").click()
    expect(page.locator("main")).to_contain_text("No reason was given")
    assert paused(db, name) == ""


def test_queues_are_searched_by_name(visit: Visit, db: Database) -> None:
    enqueue(db, queue="mails")
    enqueue(db, queue="reports")
    page = visit("queues?search=REP")
    expect(row(page, "reports")).to_be_visible()
    expect(row(page, "mails")).to_have_count(0)
    page.keyboard.press("/")
    page.keyboard.type("x")
    expect(page.locator("main")).to_contain_text("No queue has “REPx” in its name.")
