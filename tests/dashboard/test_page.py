"""The page itself: what it weighs, how narrow it may be, and that it works by keyboard."""

from __future__ import annotations

from typing import Literal

import pytest
from playwright.sync_api import Page, expect

from tests.dashboard.conftest import Tab
from tests.dashboard.jobs import claim, complete, die, enqueue
from tests.dashboard.serving import Api
from tests.database import Database

FIRST_VIEW = 100 * 1024

# Adds up what was loaded by the time the first number stands on the page.
WEIGH = """
addEventListener('DOMContentLoaded', () => {
    const tile = document.querySelector('[data-tile="ready"] .tile-count');
    new MutationObserver((_, observer) => {
        observer.disconnect();
        const files = performance.getEntries().filter(entry => 'decodedBodySize' in entry);
        window.firstView = {
            bytes: files.reduce((sum, file) => sum + file.decodedBodySize, 0),
            milliseconds: performance.now(),
        };
    }).observe(tile, { childList: true, characterData: true, subtree: true });
});
"""

# Texts with less contrast than WCAG's 4.5 to 1. A canvas turns any CSS colour into bytes.
FAINT = """
() => {
    const canvas = new OffscreenCanvas(1, 1).getContext('2d', { willReadFrequently: true });
    const paint = colours => {
        canvas.clearRect(0, 0, 1, 1);
        for (const colour of colours) { canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1); }
        const [red, green, blue] = [...canvas.getImageData(0, 0, 1, 1).data].map(byte => {
            const part = byte / 255;
            return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
        });
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
    };
    const grounds = element => element
        ? [...grounds(element.parentElement), getComputedStyle(element).backgroundColor] : [];
    return [...document.querySelectorAll('body *')].filter(element => {
        const own = [...element.childNodes].some(node => node.nodeType === 3 && node.data.trim());
        if (!own || !element.checkVisibility() || element.closest('option')) return false;
        const ground = grounds(element);
        const [dark, light] = [paint(ground), paint([...ground, getComputedStyle(element).color])]
            .sort((a, b) => a - b);
        return (light + 0.05) / (dark + 0.05) < 4.5;
    }).map(element => element.outerHTML.slice(0, 120));
}
"""

UNNAMED = """
() => [...document.querySelectorAll('button, a[href], input, select, textarea')]
    .filter(element => !(element.ariaLabel || element.textContent.trim()
        || [...element.labels ?? []].some(label => label.textContent.trim())))
    .map(element => element.outerHTML)
"""


def test_an_empty_queue_says_how_to_enqueue_the_first_job(dashboard: Page, api: Api) -> None:
    first = dashboard.locator("#jobs-empty")
    expect(first).to_contain_text("select forge.enqueue('email'")
    expect(first).to_contain_text(f"curl -X POST {api.url}/jobs")
    expect(dashboard.locator("#dead-empty")).to_contain_text("Nothing has died")


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


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_phone_needs_no_sideways_scrolling(
    page: Page, tab: Tab, api: Api, db: Database, scheme: Literal["light", "dark"]
) -> None:
    enqueue(db, "import.customers-from-the-legacy-warehouse-every-night" * 3, queue="q" * 200)
    die(db, "t" * 200, error="e" * 5000)
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": 360, "height": 780})
    page.goto(api.url)
    expect(page.locator("#dead-rows > li")).to_have_count(1)
    expect(page.locator("#job-rows > tr")).to_have_count(2)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    page.locator("#job-rows a").first.click()
    expect(page.locator("#job-title")).to_contain_text("#")
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    assert page.evaluate("document.querySelector('#job').scrollWidth") <= 360


def test_every_control_has_a_name(dashboard: Page, db: Database) -> None:
    die(db)
    expect(dashboard.locator("#dead-rows > li")).to_have_count(1)
    assert dashboard.evaluate(UNNAMED) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_stands_out_from_its_ground(
    dashboard: Page, db: Database, scheme: Literal["light", "dark"]
) -> None:
    dashboard.emulate_media(color_scheme=scheme)
    die(db)
    enqueue(db)
    complete(db)
    enqueue(db)
    claim(db)
    id = enqueue(db)
    dashboard.locator(f'#job-rows [data-key="{id}"]').click()
    expect(dashboard.locator("#job .life > li")).to_have_count(2)
    assert dashboard.evaluate(FAINT) == []


def test_the_keyboard_reaches_everything(dashboard: Page, db: Database) -> None:
    first, second = enqueue(db), enqueue(db)
    expect(dashboard.locator("#job-rows > tr")).to_have_count(2)

    dashboard.keyboard.press("?")
    expect(dashboard.locator("#help")).to_be_visible()
    dashboard.keyboard.press("Escape")
    expect(dashboard.locator("#help")).to_be_hidden()

    dashboard.keyboard.press("/")
    expect(dashboard.locator('#filter [name="type"]')).to_be_focused()
    dashboard.keyboard.type("e?")
    expect(dashboard.locator("#help")).to_be_hidden()
    dashboard.keyboard.press("Control+a")
    dashboard.keyboard.press("Delete")
    dashboard.keyboard.press("Escape")

    expect(dashboard.locator("#job-rows > tr")).to_have_count(2)
    dashboard.keyboard.press("j")
    dashboard.keyboard.press("j")
    dashboard.keyboard.press("Enter")
    expect(dashboard.locator("#job-title")).to_contain_text(f"#{first}")
    dashboard.keyboard.press("k")
    expect(dashboard.locator("#job-title")).to_contain_text(f"#{second}")
    dashboard.keyboard.press("Escape")
    expect(dashboard.locator("#job")).to_be_hidden()

    dashboard.keyboard.press("e")
    expect(dashboard.locator('#enqueue [name="type"]')).to_be_focused()
    dashboard.keyboard.press("Escape")
    expect(dashboard.locator("#enqueue")).to_be_hidden()


def test_the_chosen_theme_is_kept(dashboard: Page) -> None:
    dashboard.keyboard.press("t")
    expect(dashboard.locator("html")).to_have_attribute("data-theme", "light")
    dashboard.keyboard.press("t")
    dashboard.reload()
    expect(dashboard.locator("html")).to_have_attribute("data-theme", "dark")
    paper = dashboard.evaluate("getComputedStyle(document.body).backgroundColor")
    assert paper == "rgb(19, 18, 16)"


def test_the_chart_is_read_by_arrow_keys(dashboard: Page) -> None:
    chart = dashboard.locator("#chart")
    expect(chart).to_have_attribute("aria-valuemax", "29")
    chart.focus()
    dashboard.keyboard.press("ArrowLeft")
    expect(chart).to_have_attribute("aria-valuenow", "28")
    expect(dashboard.locator("#readout")).to_contain_text("at ")
    dashboard.keyboard.press("Home")
    expect(chart).to_have_attribute("aria-valuenow", "0")
