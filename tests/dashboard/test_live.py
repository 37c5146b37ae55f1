"""What happens in the database shows on the page, without a reload."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from tests.dashboard.conftest import Tab
from tests.dashboard.jobs import claim, complete, die, enqueue
from tests.dashboard.serving import Api
from tests.database import Database


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
    expect(dashboard.locator("#dead-count")).to_have_text("1")


def test_a_row_follows_its_job(dashboard: Page, db: Database) -> None:
    id = enqueue(db)
    row = dashboard.locator(f'#job-rows [data-key="{id}"]')
    expect(row).to_contain_text("Ready")
    assert complete(db) == id
    expect(row).to_contain_text("Completed")
    expect(row).to_contain_text("took")


def test_ready_jobs_without_a_worker_are_pointed_out(dashboard: Page, db: Database) -> None:
    enqueue(db)
    expect(dashboard.locator("#notices")).to_contain_text("No worker is running")


def test_the_filter_is_in_the_address(dashboard: Page, db: Database) -> None:
    mail, report = enqueue(db, "email"), enqueue(db, "report", queue="reports")
    dashboard.locator('#filter [name="type"]').fill("report")
    expect(dashboard.locator("#job-rows > tr")).to_have_count(1)
    expect(dashboard.locator(f'#job-rows [data-key="{report}"]')).to_be_visible()
    assert "type=report" in dashboard.url

    later = enqueue(db, "report", queue="reports")
    expect(dashboard.locator(f'#job-rows [data-key="{later}"]')).to_be_visible()
    dashboard.reload()
    expect(dashboard.locator("#job-rows > tr")).to_have_count(2)
    expect(dashboard.locator('#filter [name="type"]')).to_have_value("report")

    dashboard.locator("#clear").click()
    expect(dashboard.locator(f'#job-rows [data-key="{mail}"]')).to_be_visible()
    assert "type=" not in dashboard.url


def test_a_filter_that_matches_nothing_says_so(dashboard: Page, db: Database) -> None:
    enqueue(db)
    dashboard.locator('#filter [name="queue"]').fill("nowhere")
    expect(dashboard.locator("#jobs-empty")).to_contain_text("No job matches")


def test_more_than_the_newest_can_be_shown(dashboard: Page, db: Database) -> None:
    db.value("select count(forge.enqueue('email')) from generate_series(1, 60)")
    expect(dashboard.locator("#job-rows > tr")).to_have_count(25)
    dashboard.locator("#jobs-more").click()
    expect(dashboard.locator("#job-rows > tr")).to_have_count(50)
    dashboard.locator("#jobs-more").click()
    expect(dashboard.locator("#job-rows > tr")).to_have_count(60)
    expect(dashboard.locator("#jobs-more")).to_be_hidden()


def test_rows_do_not_move_away_under_the_pointer(dashboard: Page, db: Database) -> None:
    first = enqueue(db)
    dashboard.locator(f'#job-rows [data-key="{first}"]').hover()
    second = enqueue(db)
    expect(dashboard.locator("#newer")).to_have_text("Show 1 newer job")
    expect(dashboard.locator("#job-rows > tr")).to_have_count(1)
    dashboard.mouse.move(5, 5)
    expect(dashboard.locator(f'#job-rows [data-key="{second}"]')).to_be_visible()
    expect(dashboard.locator("#newer")).to_be_hidden()


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


def test_ten_thousand_events_are_drawn_once(dashboard: Page) -> None:
    drawn = dashboard.evaluate(
        """async () => {
            const live = await import('/js/live.js');
            let renders = 0;
            live.watch('storm', () => { renders += 1; });
            await new Promise(requestAnimationFrame);
            renders = 0;
            for (let event = 0; event < 10000; event += 1) {
                live.setText('storm', `{"event":${event}}`);
            }
            await new Promise(requestAnimationFrame);
            return { renders, newest: live.get('storm').event };
        }"""
    )
    assert drawn == {"renders": 1, "newest": 9999}
