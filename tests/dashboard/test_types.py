"""Types: who runs them, how they are repeated, what their payloads must keep to."""

from __future__ import annotations

import json
from typing import Any

from playwright.sync_api import Page, expect

from tests.dashboard.conftest import Tab, Visit, narrow
from tests.dashboard.jobs import enqueue
from tests.database import Database

SCHEMA = {"type": "object", "required": ["to"]}


def known(db: Database, type: str = "email") -> dict[str, Any]:
    (row,) = db.rows("select * from forge.list_types(type => %s)", type)
    return row


def row(page: Page, type: str = "email") -> Any:
    return page.locator(f'main tr[data-key="{type}"]')


def register(db: Database) -> None:
    db.value("select forge.register_worker('w1', '{mails}', '{email}', liveness => false)")


def undo(page: Page) -> None:
    page.locator("#toasts").get_by_role("button", name="Undo").last.click()


def test_a_row_says_what_is_known_of_a_type(visit: Visit, db: Database) -> None:
    enqueue(db, queue="mails")
    enqueue(db, "thumbnail")
    db.rows("select * from forge.set_type('email', max_retries => 3, timeout => '30 s')")
    db.rows("select forge.set_schema('email', %s::jsonb)", json.dumps(SCHEMA))
    register(db)
    page = visit("types")
    expect(row(page)).to_contain_text("3 retries, at most 30 s an attempt")
    expect(row(page)).to_contain_text("Schema")
    expect(row(page).locator(".badge")).to_have_count(1)
    expect(row(page, "thumbnail").locator(".badge")).to_have_text("No worker")
    expect(row(page, "thumbnail")).to_contain_text("as the queue")


def test_types_are_searched_and_come_by_pages(visit: Visit, db: Database) -> None:
    db.rows(
        "select forge.set_type('type-' || to_char(n, 'FM000'), max_retries => 1)"
        " from generate_series(1, 130) as n"
    )
    page = visit("types")
    rows = page.locator("main tbody tr")
    expect(rows).to_have_count(100)
    page.get_by_role("button", name="Show more").click()
    expect(rows).to_have_count(130)
    expect(page.get_by_role("button", name="Show more")).to_be_hidden()
    page.keyboard.press("/")
    page.keyboard.type("type-12")
    expect(rows).to_have_count(10)
    assert "search=type-12" in page.url
    page.get_by_label("Search types").fill("nothing")
    expect(page.locator("main .empty")).to_contain_text("“nothing”")


def test_an_empty_list_says_how_the_first_comes(visit: Visit, db: Database) -> None:
    page = visit("types")
    expect(page.locator("main")).to_contain_text("select forge.enqueue('email'")


def test_settings_send_what_changed_and_are_undone(visit: Visit, db: Database) -> None:
    enqueue(db)
    page = visit("types/email")
    panel = page.locator("#policy")
    expect(panel).to_contain_text("10 retries inherited")
    bodies: list[str | None] = []
    page.on(
        "request",
        lambda request: bodies.append(request.post_data) if request.method == "PATCH" else None,
    )
    page.get_by_role("button", name="Edit retries and timeout").click()
    page.locator("#field-timeout_seconds").fill("2 min")
    page.locator("dialog").get_by_role("button", name="Save").click()
    expect(panel).to_contain_text("2 min an attempt")
    assert bodies == ['{"timeout_seconds":120}']
    undo(page)
    expect(panel).to_contain_text("Timeoutnone")
    assert known(db)["timeout"] is None


def test_a_schema_is_set_checked_removed_and_undone(visit: Visit, tab: Tab, db: Database) -> None:
    tab.expects("status of 422")
    enqueue(db)
    page = visit("types/email")
    expect(page.locator("main")).to_contain_text("No schema: any JSON is taken in")
    page.get_by_role("button", name="Edit the schema").click()
    field = page.locator("#field-schema")
    field.fill('{"required": ["to",]}')
    expect(page.locator("#schema-problem")).to_contain_text("a comma before ]")
    field.fill('{"requires": ["to"]}')
    page.get_by_role("button", name="Hold payloads to it").click()
    expect(page.locator("dialog [role=alert]")).to_contain_text("JQ001")
    field.fill('{"required": ["to"], "const": 12345678901234567890}')
    page.get_by_role("button", name="Hold payloads to it").click()
    expect(page.locator("pre.document")).to_contain_text("12345678901234567890")
    kept = known(db)["schema"]
    assert kept == {"required": ["to"], "const": 12345678901234567890}
    page.get_by_role("button", name="Remove the schema").click()
    expect(page.locator("main")).to_contain_text("No schema: any JSON is taken in")
    undo(page)
    expect(page.locator("pre.document")).to_contain_text("12345678901234567890")
    assert known(db)["schema"] == kept


def test_who_runs_it_and_its_jobs(visit: Visit, db: Database) -> None:
    id = enqueue(db, queue="mails")
    page = visit("types/email")
    warnings = page.get_by_role("list", name="Warnings")
    expect(warnings).to_contain_text("No live worker runs this type")
    register(db)
    expect(page.get_by_role("table", name="Workers").get_by_role("link", name="w1")).to_be_visible()
    expect(warnings).to_have_count(0)
    expect(page.locator(f'main a[href="#/jobs/{id}"]')).to_be_visible()
    expect(page.get_by_role("link", name="All of them").last).to_have_attribute(
        "href", "#/jobs?type=email"
    )


def test_its_retry_rules(visit: Visit, db: Database) -> None:
    enqueue(db)
    page = visit("types/email")
    page.get_by_role("button", name="Add rule").click()
    page.get_by_label("Class of the error").fill("RateLimited")
    page.locator("dialog").get_by_role("button", name="Save").click()
    expect(page.get_by_role("table", name="Retry rules")).to_contain_text("RateLimited")
    (rule,) = db.rows("select scope, name, action from forge.list_retry_rules()")
    assert rule == {"scope": "type", "name": "email", "action": "retry"}


def test_a_hostile_name_fits_a_phone(visit: Visit, db: Database) -> None:
    name = "<img src=x onerror=alert(1)>" + "x" * 160
    enqueue(db, name)
    page = visit("types")
    narrow(page)
    page.locator("main a[data-row]").click()
    expect(page.locator("h1")).to_contain_text(name)
    narrow(page)
    assert page.locator("main img").count() == 0


def test_a_viewer_changes_nothing(visit_as_viewer: Visit, db: Database) -> None:
    enqueue(db)
    db.rows("select forge.set_schema('email', %s::jsonb)", json.dumps(SCHEMA))
    page = visit_as_viewer("types/email")
    expect(page.locator("pre.document")).to_contain_text("required")
    expect(page.locator("main [data-right]:visible")).to_have_count(0)
