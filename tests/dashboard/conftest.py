"""Fixtures: `page` in a real browser, `tab` that fails the test on any console error, `api`."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, expect, sync_playwright

from tests.api.applications import registered_once
from tests.api.conftest import TOKENS
from tests.dashboard.serving import Api, file_host, serving
from tests.database import Database

__all__ = ["registered_once"]

# The first is the others without what only people need: half the work for the same pages.
NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
MISSING = (
    "NO BROWSER: the dashboard is not tested. Install chromium-headless-shell or chromium (apt-get)"
)

# Some pages look every ten seconds only, and the machine may be busy.
expect.set_options(timeout=25_000)


# For a module, not for the run: while it is open, Playwright keeps an event loop running in this
# thread, and the async tests of other modules could not start theirs.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    path = next(filter(None, map(shutil.which, NAMES)), None)
    if path is None:
        if os.environ.get("CI"):
            pytest.fail(MISSING)
        pytest.skip(MISSING)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


class Tab:
    """What a page complained of: console errors (a CSP violation is one), uncaught exceptions."""

    def __init__(self, page: Page) -> None:
        self.complaints: list[str] = []
        self._expected: list[str] = []
        page.on("console", self._hear)
        page.on("pageerror", lambda error: self.complaints.append(f"uncaught: {error}"))
        page.on("dialog", lambda dialog: self.complaints.append(f"dialog: {dialog.message}"))

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(message.text)

    def expects(self, pattern: str) -> None:
        """Complaints of this kind belong to the test: a browser reports every refused request."""
        self._expected.append(pattern)

    @property
    def unexpected(self) -> list[str]:
        return [
            text
            for text in self.complaints
            if not any(re.search(pattern, text) for pattern in self._expected)
        ]


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1280, "height": 900}, reduced_motion="reduce")
    yield context.new_page()
    context.close()


@pytest.fixture(scope="module")
def modules(browser: Browser) -> Iterator[Page]:
    """A page that can import the dashboard's modules; no API is needed."""
    with file_host() as host:
        page = browser.new_page()
        page.goto(f"{host}/icon.svg")
        yield page
        page.close()


@pytest.fixture
def tab(page: Page) -> Iterator[Tab]:
    tab = Tab(page)
    yield tab
    assert not tab.unexpected


@pytest.fixture
def api(db: Database) -> Iterator[Api]:
    with serving(db.dsn) as api:
        yield api


Visit = Callable[[str], Page]


@pytest.fixture
def visit(page: Page, tab: Tab, api: Api) -> Visit:
    """Opens a page of the dashboard by its address (`jobs/12`), connected."""

    def visit(address: str) -> Page:
        page.goto(f"{api.url}/#/{address}")
        connected(page)
        return page

    return visit


def connected(page: Page) -> None:
    expect(page.locator("#connection")).to_have_text("Live")
    # What is not in the first view follows it; the keyboard, when it has come, names this button.
    expect(page.locator("#theme")).to_have_attribute("aria-label", re.compile("^Theme: "))


@pytest.fixture
def dashboard(visit: Visit) -> Page:
    """The first page, connected."""
    return visit("")


@pytest.fixture
def visit_as_viewer(page: Page, tab: Tab, db: Database) -> Iterator[Visit]:
    """The same for somebody who may only look."""
    tab.expects("status of 401")
    with serving(db.dsn, tokens=TOKENS) as api:

        def opened(address: str) -> Page:
            page.goto(f"{api.url}/#/{address}")
            page.locator('#access [name="token"]').fill("the-viewer-token-1234")
            page.get_by_role("button", name="Connect").click()
            expect(page.locator("html")).to_have_attribute("data-rights", re.compile("read"))
            return page

        yield opened


def narrow(page: Page) -> None:
    """On a phone, nothing is wider than it."""
    page.set_viewport_size({"width": 360, "height": 780})
    page.wait_for_function("() => document.documentElement.scrollWidth <= 360")
