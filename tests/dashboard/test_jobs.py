"""The list of jobs: live, by what is in the address, page by page."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.api.conftest import TOKENS
from tests.dashboard.conftest import Tab, Visit, connected
from tests.dashboard.jobs import claim, complete, die, enqueue
from tests.dashboard.serving import serving
from tests.database import Database

ROWS = "#jobs tbody > tr"


def row(id: int) -> str:
    return f'#jobs [data-key="{id}"]'


def test_a_row_follows_its_job(visit: Visit, db: Database) -> None:
    id = enqueue(db)
    page = visit("jobs")
    expect(page.locator(row(id))).to_contain_text("Ready")
    assert complete(db) == id
    expect(page.locator(row(id))).to_contain_text("Completed")
    expect(page.locator(row(id))).to_contain_text("took")


def test_an_empty_list_says_how_to_enqueue_the_first_job(visit: Visit) -> None:
    page = visit("jobs")
    expect(page.locator("#jobs .empty")).to_contain_text("select forge.enqueue('email'")
    expect(page.locator("#jobs .empty")).to_contain_text("curl -X POST http")


def test_the_filter_is_in_the_address(visit: Visit, db: Database) -> None:
    mail, report = enqueue(db, "email"), enqueue(db, "report", queue="reports")
    page = visit("jobs")
    page.locator('#filter [name="type"]').fill("report")
    expect(page.locator(ROWS)).to_have_count(1)
    expect(page.locator(row(report))).to_be_visible()
    assert "type=report" in page.url

    later = enqueue(db, "report", queue="reports")
    expect(page.locator(row(later))).to_be_visible()
    page.reload()
    expect(page.locator(ROWS)).to_have_count(2)
    expect(page.locator('#filter [name="type"]')).to_have_value("report")

    page.locator("#clear").click()
    expect(page.locator(row(mail))).to_be_visible()
    assert "type=" not in page.url


def test_every_filter_narrows_the_list(visit: Visit, db: Database) -> None:
    wanted = enqueue(db, payload={"to": "ada@example.com", "order": {"items": 3}}, tags=["vip"])
    enqueue(db, payload={"to": "ben@example.com", "order": {"items": 4}})
    page = visit("jobs")
    expect(page.locator(ROWS)).to_have_count(2)
    for address in (
        "payload=to%3Dada@example.com+order.items%3D3",
        'payload={"order":{"items":3}}',
        "tag=vip",
        "tag=vip&status=PENDING&time=1h&queue=default&type=email",
    ):
        page.goto(f"{page.url.split('#')[0]}#/jobs?{address}")
        expect(page.locator(ROWS)).to_have_count(1)
        expect(page.locator(row(wanted))).to_be_visible()
        expect(page.locator("#jobs-count")).to_have_text("1")
    page.goto(f"{page.url.split('#')[0]}#/jobs?time=2100-01-01T00:00/")
    expect(page.locator("#jobs .empty")).to_contain_text("No job matches")
    expect(page.locator('#filter [name="from"]')).to_have_value("2100-01-01T00:00")


def test_a_payload_filter_that_cannot_be_read_says_how(visit: Visit, db: Database) -> None:
    enqueue(db)
    page = visit("jobs")
    page.locator('#filter [name="payload"]').fill("to ada")
    expect(page.locator("#payload-problem")).to_contain_text("Write to=ada@example.com")
    expect(page.locator(ROWS)).to_have_count(1)
    page.locator('#filter [name="payload"]').fill("to=ada")
    expect(page.locator("#payload-problem")).to_be_hidden()
    expect(page.locator("#jobs .empty")).to_contain_text("No job matches")


def test_what_the_api_refuses_of_a_filter_is_said(visit: Visit, tab: Tab) -> None:
    tab.expects("status of 4")
    page = visit("jobs?status=NEVER")
    expect(page.locator("#jobs .empty")).to_contain_text("JQ001")


def test_more_than_the_newest_can_be_shown_and_stay_fresh(visit: Visit, db: Database) -> None:
    db.value("select count(forge.enqueue('email')) from generate_series(1, 120)")
    page = visit("jobs")
    expect(page.locator(ROWS)).to_have_count(25)
    page.locator("#jobs-more").click()
    expect(page.locator(ROWS)).to_have_count(75)
    page.locator("#jobs-more").click()
    expect(page.locator(ROWS)).to_have_count(120)
    expect(page.locator("#jobs-more")).to_be_hidden()
    page.mouse.move(5, 5)
    newest = enqueue(db)
    expect(page.locator(row(newest))).to_be_visible()
    expect(page.locator(ROWS)).to_have_count(121)
    page.reload()  # the address says how many were asked for
    expect(page.locator(ROWS)).to_have_count(120)
    expect(page.locator(row(newest))).to_be_visible()


def test_too_many_new_jobs_at_once_wait_behind_a_button(visit: Visit, db: Database) -> None:
    db.value("select count(forge.enqueue('email')) from generate_series(1, 60)")
    page = visit("jobs")
    page.locator("#jobs-more").click()
    expect(page.locator(ROWS)).to_have_count(60)
    db.value("select count(forge.enqueue('report')) from generate_series(1, 60)")
    expect(page.locator("#newer")).to_have_text("Show the newest")
    # What is shown stays, and goes on following its jobs.
    expect(page.locator(ROWS)).to_have_count(60)
    first = page.locator(ROWS).first
    claim(db)
    page.locator("#newer").click()
    expect(first).to_contain_text("report")
    expect(page.locator(ROWS)).to_have_count(25)


def test_a_search_that_stopped_on_its_way_says_how_far_it_came(visit: Visit) -> None:
    page = visit("jobs")
    cut_short = {"items": [], "next": 7, "searched_to": "2026-01-01T12:00:00Z"}
    page.route("**/jobs?*", lambda route: route.fulfill(json=cut_short))
    page.locator('#filter [name="tag"]').fill("rare")
    expect(page.locator("#jobs")).to_contain_text("Looked back as far as 1 Jan")
    expect(page.locator("#jobs .empty")).to_be_hidden()
    with page.expect_request("**/jobs?*before=7*"):
        page.get_by_role("button", name="Look further back").click()


def test_rows_do_not_move_away_under_the_pointer(visit: Visit, db: Database) -> None:
    first = enqueue(db)
    page = visit("jobs")
    page.locator(row(first)).hover()
    second = enqueue(db)
    expect(page.locator("#newer")).to_have_text("Show 1 newer job")
    expect(page.locator(ROWS)).to_have_count(1)
    page.mouse.move(5, 5)
    expect(page.locator(row(second))).to_be_visible()
    expect(page.locator("#newer")).to_be_hidden()


def test_rows_do_not_move_away_under_the_focus(visit: Visit, db: Database) -> None:
    first = enqueue(db)
    page = visit("jobs")
    page.locator(f"{row(first)} a").focus()
    second = enqueue(db)
    expect(page.locator("#newer")).to_have_text("Show 1 newer job")
    page.locator("#newer").click()
    expect(page.locator(row(second))).to_be_visible()


def test_a_row_that_no_longer_matches_stays_while_it_is_pointed_at(
    visit: Visit, db: Database
) -> None:
    id = enqueue(db)
    page = visit("jobs?status=PENDING")
    page.locator(row(id)).hover()
    complete(db)
    expect(page.locator("#jobs-count")).to_have_text("0", timeout=15_000)
    expect(page.locator(ROWS)).to_have_count(1)
    page.mouse.move(5, 5)
    expect(page.locator("#jobs .empty")).to_contain_text("No job matches")


def test_the_keyboard_reaches_the_rows(visit: Visit, db: Database) -> None:
    first, second = enqueue(db), enqueue(db)
    page = visit("jobs")
    expect(page.locator(ROWS)).to_have_count(2)
    page.keyboard.press("/")
    expect(page.locator('#filter [name="type"]')).to_be_focused()
    page.keyboard.press("Escape")
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_contain_text(f"#{first}")
    page.keyboard.press("Escape")
    expect(page.locator(row(second))).to_be_visible()


def test_a_viewer_is_offered_no_ticks(page: Page, tab: Tab, db: Database) -> None:
    tab.expects("status of 401")
    id = enqueue(db)
    with serving(db.dsn, tokens=TOKENS) as api:
        page.goto(f"{api.url}/#/jobs/{id}")
        page.locator('#access [name="token"]').fill("the-viewer-token-1234")
        page.get_by_role("button", name="Connect").click()
        expect(page.locator("h1")).to_contain_text(f"#{id}")
        connected(page)
        expect(page.locator("#why")).to_be_visible()
        for word in ("Edit…", "Cancel job", "Enqueue a copy"):
            expect(page.get_by_role("button", name=word)).to_have_count(0)
        page.goto(f"{api.url}/#/jobs")
        expect(page.locator(ROWS)).to_have_count(1)
        expect(page.get_by_role("checkbox")).to_have_count(0)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_phone_needs_no_sideways_scrolling(visit: Visit, db: Database, scheme: str) -> None:
    enqueue(db, "import.customers-from-the-legacy-warehouse-every-night" * 3, queue="q" * 200)
    die(db, "t" * 200, error="e" * 5000, tags=["x" * 100])
    claim(db, "q" * 200)
    page = visit("jobs")
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    page.set_viewport_size({"width": 360, "height": 780})
    expect(page.locator(ROWS)).to_have_count(2)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    for number in range(2):
        page.locator(f"{ROWS} a").nth(number).click()
        expect(page.locator("#life")).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth") <= 360
        page.go_back()
