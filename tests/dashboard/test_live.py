"""What happens in the database shows on the page, without a reload."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from tests.dashboard.conftest import Tab
from tests.dashboard.jobs import claim, die, enqueue
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


def test_ready_jobs_without_a_worker_are_pointed_out(dashboard: Page, db: Database) -> None:
    enqueue(db)
    expect(dashboard.locator("#notices")).to_contain_text("No worker is running")


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
            const live = await import('/js/core/live.js');
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
