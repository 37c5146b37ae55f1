"""One job: what its page tells, live, and what may be done from there."""

from __future__ import annotations

import json
import re

from playwright.sync_api import Page, expect

from tests.dashboard.conftest import Tab, Visit
from tests.dashboard.jobs import claim, die, enqueue
from tests.database import Database

LATER = "2100-01-01T00:00:00Z"


def status_of(db: Database, id: int) -> str:
    status: str = db.value("select status from forge.job(%s)", id)
    return status


def press(page: Page, name: str) -> None:
    page.locator("header").get_by_role("button", name=name).click()


def undo(page: Page) -> None:
    page.locator("#toasts").get_by_role("button", name="Undo").click()
    expect(page.locator("#toasts").get_by_role("button", name="Undo")).to_have_count(0)


def test_a_page_tells_a_life_and_why_it_waits(visit: Visit, db: Database) -> None:
    id = enqueue(db, payload={"to": "a@example.com"}, tags=["vip"])
    job = claim(db)
    db.rows(
        "select * from forge.fail(%s, %s, error => 'it is down', error_type => 'OSError',"
        " traceback => 'line 1')",
        job["id"],
        job["lease"],
    )
    page = visit(f"jobs/{id}")
    expect(page.locator("h1")).to_contain_text("Retrying")
    expect(page.locator("#life")).to_contain_text("Attempt 1 failed")
    expect(page.locator("#life")).to_contain_text("OSError: it is down")
    page.locator("#life summary").click()
    expect(page.locator("#life pre")).to_have_text("line 1")
    expect(page.locator("#why")).to_contain_text("Why it does not run")
    expect(page.locator('#why [data-code="no_worker"] a')).to_have_attribute("href", "#/workers")
    expect(page.locator("#facts")).to_contain_text("1 of 11")
    page.locator("#facts").get_by_text("vip").click()
    expect(page.locator('#filter [name="tag"]')).to_have_value("vip")


def test_a_page_follows_its_job(visit: Visit, db: Database) -> None:
    id = enqueue(db)
    page = visit(f"jobs/{id}")
    expect(page.locator("h1 .badge")).to_have_text("Ready")
    job = claim(db)
    expect(page.locator("h1 .badge")).to_have_text("Processing")
    db.rows("select forge.progress(%s, %s, 0.4, 'page 4')", id, job["lease"])
    expect(page.locator(".job-progress")).to_contain_text("40 % · page 4")
    db.rows("select forge.complete(%s, %s, '{\"pages\": 1.10}')", id, job["lease"])
    expect(page.locator("h1 .badge")).to_have_text("Completed")
    expect(page.get_by_role("tree", name="Result")).to_contain_text("1.10")
    expect(page.locator("#why")).to_be_hidden()


def test_a_job_that_did_not_change_is_not_sent_again(visit: Visit, db: Database) -> None:
    id = enqueue(db)
    claim(db)
    page = visit(f"jobs/{id}")
    with page.expect_response(
        lambda answer: answer.url.endswith(f"/jobs/{id}") and answer.status == 304
    ):
        pass  # the next look, or one soon after
    expect(page.locator("h1 .badge")).to_have_text("Processing")


def test_a_job_is_cancelled_and_brought_back(visit: Visit, db: Database) -> None:
    id = enqueue(db, scheduled_at=LATER)
    page = visit(f"jobs/{id}")
    press(page, "Cancel job")
    expect(page.locator("h1 .badge")).to_have_text("Cancelled")
    assert status_of(db, id) == "CANCELLED"
    undo(page)
    expect(page.locator("h1 .badge")).to_have_text("Scheduled")
    assert db.value("select scheduled_at > now() + '1 year' from forge.job(%s)", id)


def test_a_running_job_is_asked_to_stop_once_it_is_confirmed(visit: Visit, db: Database) -> None:
    id = enqueue(db)
    claim(db)
    page = visit(f"jobs/{id}")
    press(page, "Cancel job")
    page.locator("#confirm-no").click()
    expect(page.locator("#confirm")).to_be_hidden()
    assert not db.value("select cancel_requested_at from forge.job(%s)", id)
    press(page, "Cancel job")
    page.locator("#confirm-yes").click()
    expect(page.locator("h1 .badge")).to_have_text("Cancelling")
    expect(page.locator("header").get_by_role("button", name="Cancel job")).to_have_count(0)


def test_a_scheduled_job_is_run_now_and_put_back(visit: Visit, db: Database) -> None:
    id = enqueue(db, scheduled_at=LATER)
    page = visit(f"jobs/{id}")
    press(page, "Run now")
    expect(page.locator("h1 .badge")).to_have_text("Ready")
    undo(page)
    expect(page.locator("h1 .badge")).to_have_text("Scheduled")


def test_a_dead_job_says_why_and_is_retried(visit: Visit, db: Database) -> None:
    id = die(db, error="no such user")
    page = visit(f"jobs/{id}")
    expect(page.locator("#why")).to_contain_text("ValueError: no such user")
    press(page, "Retry")
    expect(page.locator("h1 .badge")).to_have_text("Ready")
    expect(page.locator("#facts")).to_contain_text("DEAD, retry by")
    assert status_of(db, id) == "PENDING"


def test_a_waiting_job_is_edited_and_put_back(visit: Visit, db: Database) -> None:
    id = enqueue(db, payload={"big": 2**63}, priority=1)
    page = visit(f"jobs/{id}")
    press(page, "Edit…")
    payload = page.locator("#field-payload")
    expect(payload).to_have_value(re.compile("9223372036854775808"))
    payload.fill('{"big": 9223372036854775808, "more": 1.10}')
    page.locator("#field-priority").fill("9")
    page.locator("#field-timeout_seconds").fill("5 min")
    page.locator("#field-tags").fill("a, b")
    page.locator("#edit button[type=submit]").click()
    expect(page.locator("#toasts")).to_contain_text("is changed")
    (job,) = db.rows("select priority, payload::text, tags, timeout from forge.job(%s)", id)
    assert job["payload"] == '{"big": 9223372036854775808, "more": 1.10}'
    assert (job["priority"], job["tags"], job["timeout"].seconds) == (9, ["a", "b"], 300)
    expect(page.get_by_role("tree", name="Payload")).to_contain_text("1.10")
    undo(page)
    (job,) = db.rows("select priority, payload::text, tags, timeout from forge.job(%s)", id)
    assert job == {"priority": 1, "payload": f'{{"big": {2**63}}}', "tags": None, "timeout": None}


def test_of_a_running_job_only_its_next_attempt_is_edited(visit: Visit, db: Database) -> None:
    id = enqueue(db)
    claim(db)
    page = visit(f"jobs/{id}")
    press(page, "Edit…")
    expect(page.locator("#edit")).to_contain_text("from its next attempt")
    expect(page.locator("#field-queue")).to_have_count(0)
    page.locator("#field-max_retries").fill("2")
    page.locator("#edit button[type=submit]").click()
    expect(page.locator("#facts")).to_contain_text("1 of 3")


def test_what_the_api_refuses_of_an_edit_is_said_in_the_form(
    visit: Visit, tab: Tab, db: Database
) -> None:
    tab.expects("status of 422")
    page = visit(f"jobs/{enqueue(db)}")
    press(page, "Edit…")
    page.locator("#field-tags").fill("t" * 150)
    page.locator("#edit button[type=submit]").click()
    expect(page.locator("#edit .sheet-error")).to_contain_text("JQ001")


def test_a_copy_is_enqueued_from_a_form(visit: Visit, db: Database) -> None:
    id = enqueue(db, "report", payload={"n": 1}, queue="reports", priority=3)
    page = visit(f"jobs/{id}")
    press(page, "Enqueue a copy")
    page.locator("#enqueue button[type=submit]").click()
    expect(page.locator("#toasts")).to_contain_text("Enqueued report")
    rows = db.rows("select type, queue, payload, priority from forge.jobs")
    assert rows[0] == rows[1]


def test_relatives_are_shown_with_how_they_are(visit: Visit, db: Database) -> None:
    parent = enqueue(db, "fetch")
    id = enqueue(db, "merge", depends_on=[parent])
    child = enqueue(db, "mail", depends_on=[id])
    page = visit(f"jobs/{id}")
    family = page.locator("#family")
    expect(family.locator(".parents")).to_contain_text(f"fetch#{parent}Pending")
    expect(family.locator(".children")).to_contain_text(f"mail#{child}Waiting")
    expect(page.locator('#why [data-code="waits_for_jobs"]')).to_be_visible()
    job = claim(db)
    db.value("select forge.complete(%s, %s)", job["id"], job["lease"])
    expect(family.locator(".parents")).to_contain_text("Completed")
    family.locator(".children a").click()
    expect(page.locator("h1")).to_contain_text(f"#{child}")


def test_a_job_that_does_not_exist_is_said_to(visit: Visit, tab: Tab) -> None:
    tab.expects("status of 404")
    page = visit("jobs/999999999999")
    expect(page.locator("#missing")).to_contain_text("JQ003")


def test_the_tree_is_read_by_arrow_keys(visit: Visit, db: Database) -> None:
    value = {"a": [1, {"b c": None}], "token": "sk-1", "list": list(range(250))}
    id = enqueue(db, payload=value)
    page = visit(f"jobs/{id}")
    tree = page.get_by_role("tree", name="Payload")
    expect(tree).not_to_contain_text("sk-1")
    page.get_by_role("button", name="Show secrets").click()
    expect(tree).to_contain_text("sk-1")

    at = page.locator(".tree-path")
    tree.get_by_role("treeitem").nth(1).focus()
    for key, path in (
        ("ArrowRight", "$.a[0]"),
        ("ArrowDown", "$.a[1]"),
        ("ArrowRight", '$.a[1]["b c"]'),
        ("ArrowLeft", "$.a[1]"),
        ("End", "$.token"),
        ("ArrowUp", "$.list"),
    ):
        page.keyboard.press(key)
        expect(at).to_have_text(path)
    expect(tree.locator("[data-path='$.list']")).to_have_attribute("aria-expanded", "false")
    page.keyboard.press("ArrowRight")
    expect(tree.locator("[data-path^='$.list[']")).to_have_count(100)
    tree.get_by_role("button", name="Show 100 more of 250").click()
    expect(tree.locator("[data-path^='$.list[']")).to_have_count(200)


def test_a_document_is_copied_without_what_is_masked(visit: Visit, db: Database) -> None:
    id = enqueue(db, payload={"n": json.loads("1"), "token": "sk-1"})
    page = visit(f"jobs/{id}")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Copy payload").click()
    expect(page.get_by_role("button", name="Copy payload")).to_have_text("Copied")
    text = page.evaluate("navigator.clipboard.readText()")
    assert json.loads(text) == {"n": 1, "token": "••••••"}
