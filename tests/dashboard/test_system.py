"""The system page: what is wrong, what is kept, who may come in, what is installed."""

from __future__ import annotations

import json
from typing import Any

from playwright.sync_api import Page, Route, expect

from tests.dashboard.conftest import Tab, Visit
from tests.dashboard.jobs import enqueue
from tests.database import Database

NOW = "2030-01-01T00:00:00Z"


class Tokens:
    """The routes of tokens, answered here."""

    def __init__(self, page: Page) -> None:
        self.rows: list[dict[str, Any]] = []
        page.route("**/tokens?*", self._answer)
        page.route("**/tokens", self._answer)
        page.route("**/tokens/*", self._answer)

    def _answer(self, route: Route) -> None:
        request = route.request
        if request.method == "GET":
            answer: Any = {"items": self.rows, "next": None}
        elif request.method == "POST":
            body = json.loads(request.post_data or "{}")
            row = {"id": 7, "name": body["name"], "role": body["role"], "created_at": NOW,
                   "expires_at": None, "revoked_at": None, "last_used_at": None}  # fmt: skip
            self.rows.insert(0, row)
            answer = {**row, "token": "forge_0123", "life": body.get("expires_in_seconds")}
        else:
            self.rows[0]["revoked_at"] = NOW
            answer = self.rows[0]
        route.fulfill(
            status=200, headers={"Content-Type": "application/json"}, body=json.dumps(answer)
        )


def test_what_is_wrong_is_said_with_what_to_do(page: Page, visit: Visit, db: Database) -> None:
    Tokens(page)
    enqueue(db)
    db.rows("select * from forge.pause('default', reason => 'the server moves')")
    visit("system")
    expect(page.locator("#doctor")).to_contain_text("paused")
    db.rows("select * from forge.resume('default')")
    db.rows("select j.id, c.* from forge.jobs as j, lateral forge.cancel(j.id) as c")
    page.get_by_role("button", name="Look again").click()
    expect(page.locator("#doctor")).not_to_contain_text("paused")


def test_what_is_kept_is_changed_and_that_is_taken_back(
    page: Page, visit: Visit, db: Database
) -> None:
    Tokens(page)
    visit("system")
    keeping = page.locator("#keeping")
    expect(keeping).to_contain_text("until they are retried or discarded")
    keeping.get_by_role("button", name="Edit").click()
    form = page.locator("#edit-keeping")
    expect(form.get_by_label("Finished jobs")).to_have_value("7 d")
    form.get_by_label("Finished jobs").fill("1 h")
    expect(form.locator("#history_retention_seconds-problem")).to_have_text("From 1 d to 3650 d.")
    form.get_by_label("Finished jobs").fill("30 d")
    form.get_by_label("Dead jobs").fill("90 d")
    form.get_by_label("Lines of one job").fill("5000")
    form.get_by_role("button", name="Save").click()
    expect(keeping).to_contain_text("30 d")
    expect(keeping).to_contain_text("5,000")
    kept = (
        "select extract(day from justify_hours(history_retention))::int as history,"
        " extract(day from justify_hours(dead_retention))::int as dead, log_lines"
        " from forge.show_settings()"
    )
    assert list(db.rows(kept)[0].values()) == [30, 90, 5000]
    page.locator("#toasts").get_by_role("button", name="Undo").click()
    expect(keeping).to_contain_text("until they are retried or discarded")
    assert list(db.rows(kept)[0].values()) == [7, None, 1000]


def test_a_rule_for_all_is_added_and_taken_back(page: Page, visit: Visit, db: Database) -> None:
    Tokens(page)
    visit("system")
    page.get_by_role("button", name="Add rule").click()
    form = page.locator("#edit-rule")
    form.get_by_label("Text of the error").fill("no such mailbox")
    form.get_by_label("Then", exact=True).select_option("permanent")
    form.get_by_role("button", name="Save").click()
    expect(page.get_by_role("table", name="Retry rules")).to_contain_text("no such mailbox")
    (rule,) = db.rows("select scope, name, action from forge.list_retry_rules()")
    assert rule == {"scope": "all", "name": None, "action": "permanent"}
    page.locator("#toasts").get_by_role("button", name="Undo").click()
    expect(page.get_by_role("table", name="Retry rules")).to_be_hidden()


def test_a_token_is_shown_once_and_revoked(page: Page, visit: Visit) -> None:
    Tokens(page)
    visit("system")
    tokens = page.locator("#tokens-title").locator("xpath=ancestor::section")
    expect(tokens).to_contain_text("The first one closes it")
    page.get_by_role("button", name="New token").click()
    form = page.locator("#new-token")
    expect(form).to_contain_text("The first token closes the API")
    form.get_by_role("button", name="Create").click()
    expect(form.locator("#name-problem")).to_have_text("This is needed.")
    form.get_by_label("Name").fill("wall screen")
    form.get_by_role("button", name="Create").click()
    once = page.locator("#token")
    expect(once).to_contain_text("forge_0123")
    expect(once.get_by_role("button", name="Copy the token")).to_be_visible()
    once.get_by_role("button", name="I have it").click()
    expect(page.get_by_text("forge_0123")).to_have_count(0)
    expect(tokens).to_contain_text("wall screen")
    page.get_by_role("button", name="Revoke the token of wall screen").click()
    page.locator("#confirm-yes").click()
    expect(tokens).to_contain_text("Revoked")


def test_the_first_token_closes_the_api_and_can_be_used_at_once(
    page: Page, tab: Tab, visit: Visit, db: Database
) -> None:
    tab.expects("status of 401")
    visit("system")
    page.get_by_role("button", name="New token").click()
    page.locator("#new-token").get_by_label("Name").fill("me")
    page.locator("#new-token").get_by_role("button", name="Create").click()
    page.get_by_role("button", name="Use it on this page").click()
    page.reload()
    expect(page.locator("#connection")).to_have_text("Live")
    expect(page.get_by_role("table", name="Tokens")).to_contain_text("me")
    expect(page.locator("#session")).to_contain_text("asked for")
    assert db.value("select role from forge.list_tokens()") == "operator"


def test_what_is_installed_and_who_is_asking(page: Page, visit: Visit, db: Database) -> None:
    Tokens(page)
    visit("system")
    newest = db.value("select max(migration) from forge.migrations()")
    expect(page.locator("#installed")).to_contain_text(newest)
    page.locator("#installed summary").click()
    expect(page.locator("#installed")).to_contain_text("0001.")
    expect(page.locator("#session")).to_contain_text("operator")
    expect(page.locator("#session")).to_contain_text("change everything")


def test_a_phone_needs_no_sideways_scrolling(page: Page, tab: Tab, visit: Visit) -> None:
    Tokens(page)
    page.set_viewport_size({"width": 360, "height": 780})
    visit("system")
    expect(page.locator("#installed")).to_contain_text("0001.")
    assert page.evaluate("document.documentElement.scrollWidth") == 360
