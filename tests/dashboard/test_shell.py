"""What is around every page: its weight, its policy, the keyboard, the theme, the navigation."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from tests.dashboard.conftest import Tab
from tests.dashboard.jobs import enqueue
from tests.dashboard.serving import Api
from tests.database import Database

FIRST_VIEW = 100 * 1024

# Adds up what came over the wire by the time the first number stands on the page.
WEIGH = """
addEventListener('DOMContentLoaded', () => {
    new MutationObserver((_, observer) => {
        const number = document.querySelector('[data-tile="ready"] .tile-count')?.textContent;
        if (!number || number === '–') return;
        observer.disconnect();
        const files = performance.getEntries().filter(entry => 'encodedBodySize' in entry);
        window.firstView = {
            bytes: files.reduce((sum, file) => sum + file.encodedBodySize, 0),
            milliseconds: performance.now(),
        };
    }).observe(document.body, { childList: true, characterData: true, subtree: true });
});
"""


def test_the_first_view_is_light_and_quick(page: Page, tab: Tab, api: Api) -> None:
    page.add_init_script(WEIGH)
    page.goto(api.url)
    page.wait_for_function("() => window.firstView")
    weight = page.evaluate("window.firstView")
    assert weight["bytes"] < FIRST_VIEW
    assert weight["milliseconds"] < 5000, "far above the aim of 1 s: test machines are busy"


def test_the_policy_of_the_file_alone_refuses_markup_from_strings(
    dashboard: Page, tab: Tab
) -> None:
    tab.expects("Trusted")
    refused = dashboard.evaluate(
        "() => { try { document.body.innerHTML = '<b>x</b>'; return false; }"
        " catch (error) { return error instanceof TypeError; } }"
    )
    assert refused


def test_an_address_that_is_no_page_says_so(dashboard: Page) -> None:
    dashboard.goto(f"{dashboard.url.split('#')[0]}#/nowhere")
    expect(dashboard.locator("main")).to_contain_text("There is no such page")
    dashboard.get_by_role("link", name="Go to the overview").click()
    expect(dashboard.get_by_role("heading", name="Overview")).to_be_visible()


def test_a_part_that_cannot_be_loaded_says_so(dashboard: Page, tab: Tab) -> None:
    tab.expects("ERR_FAILED|Failed to fetch")
    dashboard.route("**/pages/queues.js", lambda route: route.abort())
    dashboard.locator("#nav").get_by_text("Queues").click()
    expect(dashboard.locator("main")).to_contain_text("could not be loaded")


def test_the_keyboard_goes_everywhere(dashboard: Page) -> None:
    dashboard.keyboard.press("?")
    expect(dashboard.locator("#help")).to_be_visible()
    dashboard.keyboard.press("Escape")
    expect(dashboard.locator("#help")).to_have_count(0)

    dashboard.keyboard.press("g")
    dashboard.keyboard.press("q")
    expect(dashboard.get_by_role("heading", name="Queues", level=1)).to_be_visible()
    expect(dashboard.locator('.nav a[aria-current="page"]')).to_have_text("Queues")
    dashboard.go_back()
    expect(dashboard.get_by_role("heading", name="Overview")).to_be_visible()

    dashboard.keyboard.press("e")
    expect(dashboard.locator('#enqueue [name="type"]')).to_be_focused()
    dashboard.keyboard.type("e?")
    expect(dashboard.locator("#help")).to_have_count(0)
    dashboard.keyboard.press("Escape")
    expect(dashboard.locator("#enqueue")).to_have_count(0)


def test_j_and_k_step_through_the_rows(dashboard: Page, db: Database) -> None:
    enqueue(db, queue="a")
    enqueue(db, queue="b")
    dashboard.goto(f"{dashboard.url.split('#')[0]}#/queues")
    rows = dashboard.locator("main a[data-row]")
    expect(rows).to_have_count(2)
    dashboard.keyboard.press("j")
    expect(rows.nth(0)).to_be_focused()
    dashboard.keyboard.press("j")
    dashboard.keyboard.press("j")
    expect(rows.nth(1)).to_be_focused()
    dashboard.keyboard.press("k")
    expect(rows.nth(0)).to_be_focused()


def test_the_chosen_theme_is_kept(dashboard: Page) -> None:
    dashboard.keyboard.press("t")
    expect(dashboard.locator("html")).to_have_attribute("data-theme", "light")
    dashboard.keyboard.press("t")
    dashboard.reload()
    expect(dashboard.locator("html")).to_have_attribute("data-theme", "dark")
    paper = dashboard.evaluate("getComputedStyle(document.body).backgroundColor")
    assert paper == "rgb(19, 18, 16)"


def test_a_phone_finds_all_pages_below(dashboard: Page) -> None:
    dashboard.set_viewport_size({"width": 360, "height": 780})
    workers = dashboard.locator("#nav").get_by_text("Workers")
    expect(workers).to_be_hidden()
    dashboard.get_by_role("button", name="More").click()
    workers.click()
    expect(dashboard.get_by_role("heading", name="Workers", level=1)).to_be_visible()
    expect(workers).to_be_hidden()


def test_the_skip_link_leads_past_the_names_of_pages(dashboard: Page) -> None:
    dashboard.locator("#skip").focus()
    dashboard.keyboard.press("Enter")
    expect(dashboard.locator("#main")).to_be_focused()


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
