"""axe-core over every page, light and dark, and no page wider than a phone."""

from __future__ import annotations

from typing import Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.dashboard.conftest import Tab
from tests.dashboard.jobs import claim, complete, die, enqueue
from tests.dashboard.serving import Api
from tests.database import Database

LONG = "import.customers-from-the-legacy-warehouse-every-night" * 3
PAGES = (
    "",
    "jobs",
    "jobs/{dead}",
    "dead",
    "queues",
    "queues/default",
    "workers",
    "workers/the-worker",
    "schedules",
    "schedules/nightly",
    "types",
    "types/email",
    "sql",
    "system",
)


@pytest.fixture
def places(db: Database) -> list[str]:
    """Addresses of all pages, with something on each of them."""
    dead = die(db, "t" * 200, error="e" * 5000)
    enqueue(db, LONG, queue="q" * 200)
    enqueue(db)
    complete(db)
    enqueue(db)
    claim(db)
    enqueue(db, scheduled_at="2100-01-01T00:00:00Z")
    db.rows("select forge.schedule('nightly', '0 3 * * *', 'email')")
    db.rows("select forge.register_worker('the-worker', '{default}', types => '{email}')")
    return [page.format(dead=dead) for page in PAGES]


def visit(page: Page, api: Api, place: str) -> None:
    page.goto(f"{api.url}/#/{place}")
    expect(page.locator("#connection")).to_have_text("Live")
    expect(page.locator("main h1")).to_be_visible()
    page.wait_for_load_state("networkidle") if False else page.wait_for_timeout(300)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(
    page: Page, tab: Tab, api: Api, places: list[str], scheme: Literal["light", "dark"]
) -> None:
    page.emulate_media(color_scheme=scheme)
    found = {}
    for place in places:
        visit(page, api, place)
        violations = Axe().run(page).response["violations"]
        if violations:
            found[place] = [
                (item["id"], item["impact"], item["nodes"][0]["html"][:200]) for item in violations
            ]
    assert found == {}


def test_a_phone_needs_no_sideways_scrolling(
    page: Page, tab: Tab, api: Api, places: list[str]
) -> None:
    page.set_viewport_size({"width": 360, "height": 780})
    wide = {}
    for place in places:
        visit(page, api, place)
        if (width := page.evaluate("document.documentElement.scrollWidth")) > 360:
            wide[place] = width
    assert wide == {}
