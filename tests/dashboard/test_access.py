"""Tokens, roles, and a dashboard that is hosted somewhere else than its API."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import Page, expect

from tests.api.conftest import TOKENS
from tests.dashboard.conftest import Tab
from tests.dashboard.jobs import die
from tests.dashboard.serving import file_host, serving
from tests.database import Database

OPERATOR = "the-operator-token-1234"
VIEWER = "the-viewer-token-1234"


def enter(page: Page, token: str) -> None:
    page.locator('#access [name="token"]').fill(token)
    page.get_by_role("button", name="Connect").click()


def test_a_token_is_asked_for_and_kept_in_the_tab(page: Page, tab: Tab, db: Database) -> None:
    tab.expects("status of 401")
    with serving(db.dsn, tokens=TOKENS) as api:
        page.goto(api.url)
        expect(page.locator("#access-text")).to_have_text("This API asks for a token.")
        enter(page, "not-the-token-at-all")
        expect(page.locator("#access-text")).to_have_text("The API does not accept this token.")
        enter(page, OPERATOR)
        expect(page.locator("#connection")).to_have_text("Live")
        assert OPERATOR not in page.url
        page.reload()
        expect(page.locator("#connection")).to_have_text("Live")


def test_a_viewer_is_offered_nothing_that_it_may_not_do(page: Page, tab: Tab, db: Database) -> None:
    tab.expects("status of 401")
    die(db)
    with serving(db.dsn, tokens=TOKENS) as api:
        page.goto(f"{api.url}/#/dead")
        enter(page, VIEWER)
        expect(page.locator("main")).to_contain_text("no such user")
        expect(page.get_by_role("button", name="Retry")).to_have_count(0)
        expect(page.get_by_role("button", name="Enqueue", exact=True)).to_have_count(0)
        page.keyboard.press("e")
        expect(page.locator("#enqueue")).to_be_hidden()


def test_it_works_from_another_host(page: Page, tab: Tab, db: Database) -> None:
    id = die(db)
    with file_host() as host, serving(db.dsn, **origins(host)) as api:
        page.goto(f"{host}/?api={api.url}#/jobs/{id}")
        expect(page.locator("#connection")).to_have_text("Live")
        expect(page.locator("#where")).to_have_text(api.url.removeprefix("http://"))
        page.locator("main").get_by_role("button", name="Retry").click()
        expect(page.locator("#toasts")).to_contain_text(f"#{id}")


def test_a_host_without_an_api_asks_where_it_is(page: Page, tab: Tab, db: Database) -> None:
    tab.expects("status of 404")
    with file_host() as host, serving(db.dsn, **origins(host)) as api:
        page.goto(host)
        expect(page.locator("#access-text")).to_contain_text(
            "There is no Forge API at this address"
        )
        page.locator('#access [name="api"]').fill(api.url)
        page.get_by_role("button", name="Connect").click()
        expect(page.locator("#connection")).to_have_text("Live")


def test_a_token_is_not_sent_to_another_api(page: Page, tab: Tab, db: Database) -> None:
    tab.expects("status of 401")
    seen: list[str | None] = []
    with file_host() as host, serving(db.dsn, tokens=TOKENS, **origins(host)) as api:
        page.goto(f"{host}/?api={api.url}")
        enter(page, OPERATOR)
        expect(page.locator("#connection")).to_have_text("Live")
        with serving(db.dsn, tokens=TOKENS, **origins(host)) as other:
            page.on(
                "request",
                lambda request: (
                    seen.append(request.headers.get("authorization"))
                    if request.url.startswith(other.url)
                    else None
                ),
            )
            page.goto(f"{host}/?api={other.url}")
            expect(page.locator("#access-text")).to_have_text("This API asks for a token.")
    assert seen
    assert not any(seen)


def origins(host: str) -> dict[str, Any]:
    return {"cors_origins": (host,)}
