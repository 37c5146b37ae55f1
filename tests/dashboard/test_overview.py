"""The overview: numbers, charts, queues, errors and warnings, live."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from tests.dashboard.conftest import Tab
from tests.dashboard.jobs import claim, complete, die, enqueue
from tests.dashboard.serving import Api
from tests.database import Database


def test_an_empty_queue_says_how_to_enqueue_the_first_job(dashboard: Page, api: Api) -> None:
    expect(dashboard.locator("main")).to_contain_text("select forge.enqueue('email'")
    expect(dashboard.locator("main")).to_contain_text(f"curl -X POST {api.url}/jobs")
    expect(dashboard.locator("main")).to_contain_text("No job is dead")


def test_counts_follow_sql(dashboard: Page, db: Database) -> None:
    for _ in range(3):
        enqueue(db)
    enqueue(db, scheduled_at="2100-01-01T00:00:00Z")
    expect(dashboard.locator('[data-tile="ready"] .tile-count')).to_have_text("3")
    expect(dashboard.locator('[data-tile="scheduled"] .tile-count')).to_have_text("1")
    claim(db)
    expect(dashboard.locator('[data-tile="processing"] .tile-count')).to_have_text("1")
    expect(dashboard.locator('[data-tile="ready"] .tile-count')).to_have_text("2")
    die(db)
    expect(dashboard.locator('[data-tile="dead"] .tile-count')).to_have_text("1")
    expect(dashboard.locator("#count-dead")).to_have_text("1")


def test_a_warning_says_what_is_wrong_and_leads_there(dashboard: Page, db: Database) -> None:
    enqueue(db, queue="reports")
    warning = dashboard.locator("#warnings li", has_text="reports")
    expect(warning).to_contain_text("no registered worker", timeout=20_000)
    expect(warning).to_contain_text("forge worker")
    expect(dashboard.locator("#count-warnings")).to_be_visible()
    warning.get_by_role("link").click()
    expect(dashboard).to_have_url(f"{dashboard.url.split('#')[0]}#/queues/reports")


def test_each_warning_leads_to_where_it_is_mended(dashboard: Page, db: Database) -> None:
    enqueue(db, queue="reports")
    db.rows("select forge.pause('reports')")
    db.rows("select forge.schedule('nightly', '* * * * *', 'email')")
    db.rows("update forge.schedules set failures = 3, last_error = 'the queue is full'")
    doors = dashboard.locator("#warnings li")
    paused = doors.filter(has_text="paused").get_by_role("link")
    expect(paused).to_have_attribute("href", "#/queues/reports", timeout=20_000)
    failing = doors.filter(has_text="nightly").get_by_role("link")
    expect(failing).to_have_attribute("href", "#/schedules")


def test_the_deepest_queues_come_first(dashboard: Page, db: Database) -> None:
    for queue, jobs in (("a", 1), ("b", 3), ("c", 2)):
        for _ in range(jobs):
            enqueue(db, queue=queue)
    rows = dashboard.get_by_role("table", name="Queues").locator("tbody tr")
    expect(rows).to_have_count(3)
    expect(rows.nth(0)).to_contain_text("b")
    expect(rows.nth(2)).to_contain_text("a")


def test_the_dead_are_counted_by_error(dashboard: Page, db: Database) -> None:
    die(db, error="no such user 17")
    die(db, error="no such user 18")
    row = dashboard.get_by_role("table", name="Errors").locator("tbody tr")
    expect(row).to_have_count(1)
    expect(row).to_contain_text("no such user")
    expect(row.locator("td").nth(1)).to_have_text("2")
    row.get_by_role("link").click()
    expect(dashboard).to_have_url(f"{dashboard.url.split('#')[0]}#/dead?fingerprint={only(db)}")


def only(db: Database) -> str:
    fingerprint: str = db.value("select fingerprint from forge.dead_groups()")
    return fingerprint


def test_newest_jobs_follow_and_open(dashboard: Page, db: Database) -> None:
    id = enqueue(db)
    row = dashboard.get_by_role("table", name="Newest jobs").locator(f'[data-key="{id}"]')
    expect(row).to_contain_text("Ready")
    assert complete(db) == id
    expect(row).to_contain_text("Completed")


def test_the_charts_are_read_together_by_arrow_keys(dashboard: Page) -> None:
    chart = dashboard.locator("#throughput")
    expect(chart).to_have_attribute("aria-valuemax", "29")
    chart.focus()
    dashboard.keyboard.press("ArrowLeft")
    expect(chart).to_have_attribute("aria-valuenow", "28")
    expect(dashboard.locator("#wait")).to_have_attribute("aria-valuenow", "28")
    expect(dashboard.locator("main")).to_contain_text("at ")
    dashboard.keyboard.press("Home")
    expect(chart).to_have_attribute("aria-valuenow", "0")


def test_the_span_of_time_is_in_the_address(dashboard: Page) -> None:
    dashboard.get_by_text("24 h", exact=True).click()
    expect(dashboard.locator("#throughput")).to_have_attribute("aria-valuemax", "95")
    assert dashboard.url.endswith("?range=24h")
    dashboard.reload()
    expect(dashboard.get_by_role("radio", name="24 h")).to_be_checked()


def test_the_page_comes_back_after_the_api_restarts(
    dashboard: Page, tab: Tab, api: Api, db: Database
) -> None:
    tab.expects("ERR_CONNECTION_REFUSED|ERR_INCOMPLETE_CHUNKED_ENCODING|ERR_CONNECTION_RESET")
    api.stop()
    expect(dashboard.locator("#connection")).not_to_have_text("Live")
    enqueue(db)
    api.start()
    expect(dashboard.locator("#connection")).to_have_text("Live", timeout=30_000)
    expect(dashboard.locator('[data-tile="ready"] .tile-count')).to_have_text("1")


def test_an_api_that_stays_away_is_named_and_can_be_tried_at_once(
    dashboard: Page, tab: Tab, api: Api
) -> None:
    tab.expects("ERR_CONNECTION_REFUSED|ERR_INCOMPLETE_CHUNKED_ENCODING|ERR_CONNECTION_RESET")
    api.stop()
    expect(dashboard.locator("#connection")).to_have_text("Offline", timeout=30_000)
    notice = dashboard.locator("#notices .notice", has_text="does not answer")
    expect(notice).to_contain_text(api.url)
    expect(notice).to_contain_text("What you see is from")
    api.start()
    notice.get_by_role("button", name="Try now").click()
    expect(dashboard.locator("#connection")).to_have_text("Live")
    expect(notice).to_be_hidden()
