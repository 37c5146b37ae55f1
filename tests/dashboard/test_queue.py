"""The page of one queue: each of its settings is changed by itself, and changed back."""

from __future__ import annotations

import json
from typing import Any

from playwright.sync_api import Page, Request, expect

from tests.dashboard.conftest import Tab, Visit
from tests.dashboard.jobs import claim, complete, die, enqueue
from tests.database import Database


def sent(page: Page) -> list[tuple[str, Any]]:
    """What goes out that changes something, from now on."""
    found: list[tuple[str, Any]] = []

    def note(request: Request) -> None:
        if request.method not in ("GET", "OPTIONS"):
            found.append((request.method, json.loads(request.post_data or "null")))

    page.on("request", note)
    return found


def edit(page: Page, what: str) -> None:
    page.get_by_role("button", name=f"Edit {what}", exact=True).click()


def save(page: Page) -> None:
    page.locator("dialog").get_by_role("button", name="Save").click()
    expect(page.locator("dialog")).to_have_count(0)


def undo(page: Page) -> None:
    page.locator("#toasts").get_by_role("button", name="Undo").last.click()


def one(db: Database, function: str) -> dict[str, Any] | None:
    rows = db.rows(f"select * from forge.{function} as q where q.queue = 'mails'")
    return rows[0] if rows else None


def test_it_shows_numbers_workers_and_jobs(visit: Visit, db: Database) -> None:
    complete_id = enqueue(db, queue="mails")
    complete(db, "mails")
    die(db, queue="mails")
    enqueue(db, queue="mails")
    claim(db, "mails")
    db.value("select forge.register_worker('w1', '{mails}', concurrency => 4, liveness => false)")
    page = visit("queues/mails")
    numbers = page.get_by_role("list", name="Numbers of mails")
    expect(numbers).to_contain_text("Running1")
    expect(numbers).to_contain_text("Dead1")
    expect(page.get_by_role("table", name="Workers")).to_contain_text("w1")
    jobs = page.get_by_role("table", name="Newest jobs")
    expect(jobs.locator(f'a[href="#/jobs/{complete_id}"]')).to_be_visible()
    expect(page.get_by_role("link", name="All of them").last).to_have_attribute(
        "href", "#/jobs?queue=mails"
    )
    enqueue(db, queue="mails")
    expect(numbers).to_contain_text("Ready1")


def test_the_last_hour_is_drawn_and_told(visit: Visit, db: Database) -> None:
    enqueue(db, queue="mails")
    complete(db, "mails")
    db.rows("select * from forge.tick()")
    page = visit("queues/mails")
    expect(page.locator(".spark")).to_have_attribute(
        "aria-label", "In the last hour: 1 completed, 0 failed attempts"
    )


def test_retries_send_what_changed_and_are_undone(visit: Visit, db: Database) -> None:
    db.rows("select * from forge.set_queue('mails', max_retries => 3)")
    page = visit("queues/mails")
    panel = page.locator("#retries")
    expect(panel).to_contain_text("3 retries")
    expect(panel).to_contain_text("5 s, 10 s, 20 s")
    requests = sent(page)
    edit(page, "retry policy")
    page.get_by_label("First delay").fill("1 min 30 s")
    page.get_by_label("Retries at most").fill("")
    save(page)
    assert requests == [("PATCH", {"max_retries": None, "retry_base_seconds": 90})]
    expect(panel).to_contain_text("1 min 30 s, 3 min, 6 min")
    undo(page)
    expect(panel).to_contain_text("5 s, 10 s, 20 s")
    assert one(db, "list_queues()")["max_retries"] == 3  # type: ignore[index]


def test_nothing_is_sent_where_nothing_changed(visit: Visit, db: Database) -> None:
    db.rows("select * from forge.set_queue('mails', max_retries => 3)")
    page = visit("queues/mails")
    expect(page.locator("#retries")).to_contain_text("3 retries")
    requests = sent(page)
    edit(page, "retry policy")
    save(page)
    assert requests == []


def test_limits_are_set_taken_away_and_undone(visit: Visit, db: Database) -> None:
    enqueue(db, queue="mails")
    page = visit("queues/mails")
    panel = page.locator("#limits")
    expect(panel).to_contain_text("no limit")
    edit(page, "limits")
    page.get_by_label("in any span of").first.fill("1 min")
    page.locator("dialog").get_by_role("button", name="Save").click()
    expect(page.locator("#per_seconds-problem")).to_have_text("Say how many first.")
    page.locator("#field-max_running").fill("4")
    page.locator("#field-rate").fill("100")
    page.get_by_label("The jobs of a key one by one").check()
    save(page)
    expect(panel).to_contain_text("0 of 4")
    expect(panel).to_contain_text("100 a minute")
    claim(db, "mails")
    expect(panel).to_contain_text("1 of 4")

    edit(page, "limits")
    page.locator("#field-rate").fill("")
    page.get_by_label("in any span of").first.fill("")
    save(page)
    expect(panel).not_to_contain_text("100 a minute")
    undo(page)
    expect(panel).to_contain_text("100 a minute")
    limits = one(db, "list_limits()")
    assert limits is not None
    assert (limits["max_running"], limits["rate"], limits["key_fifo"]) == (4, 100, True)
    assert limits["per"].total_seconds() == 60


def test_admission_is_set_taken_away_and_undone(visit: Visit, db: Database) -> None:
    enqueue(db, queue="mails")
    page = visit("queues/mails")
    panel = page.locator("#admission")
    expect(panel).to_contain_text("any number of jobs")
    edit(page, "admission")
    page.get_by_label("Jobs at most").fill("500")
    page.get_by_label("When it is full").select_option("defer")
    page.get_by_label("Put off for").fill("5 min")
    save(page)
    expect(panel).to_contain_text("of 500")
    expect(panel).to_contain_text("put off for 5 min")
    panel.get_by_role("button", name="Take away").click()
    expect(panel).to_contain_text("any number of jobs")
    assert one(db, "list_admissions()") is None
    undo(page)
    expect(panel).to_contain_text("of 500")
    admission = one(db, "list_admissions()")
    assert admission is not None
    assert (admission["max_depth"], admission["on_full"]) == (500, "defer")


def test_what_is_kept_is_changed_and_undone(visit: Visit, db: Database) -> None:
    enqueue(db, queue="mails")
    page = visit("queues/mails")
    panel = page.locator("#retention")
    expect(panel).to_contain_text("kept for 7 d")
    requests = sent(page)
    edit(page, "retention")
    page.get_by_label("Keep results").uncheck()
    save(page)
    assert requests == [("PATCH", {"keep_result": False})]
    expect(panel).to_contain_text("not kept")
    undo(page)
    expect(panel).not_to_contain_text("not kept")
    assert one(db, "list_queues()")["keep_result"] is True  # type: ignore[index]


def test_retry_rules_are_added_moved_changed_and_removed(visit: Visit, db: Database) -> None:
    enqueue(db, queue="mails")
    db.rows(
        "select * from forge.set_retry_rules("
        """ '[{"error_type": "RateLimited", "action": "retry", "max_retries": 50}]', 'mails')"""
    )
    db.rows(
        "select * from forge.set_retry_rules("
        """ '[{"error_type": "Timeout", "action": "permanent"}]')"""
    )
    page = visit("queues/mails")
    rules = page.get_by_role("table", name="Retry rules")
    expect(rules.locator("tbody tr")).to_have_count(2)
    expect(rules.locator("tbody tr").last).to_contain_text("for all queues")
    page.get_by_role("button", name="Add rule").click()
    page.locator("dialog").get_by_role("button", name="Save").click()
    expect(page.locator("#error-problem")).to_contain_text("Say which errors")
    page.get_by_label("Text of the error").fill("410 Gone")
    page.get_by_label("Then").select_option("permanent")
    save(page)
    expect(rules.locator("tbody th")).to_have_text(["RateLimited", "410 Gone", "Timeout"])

    page.get_by_role("button", name="Ask rule 2 earlier").click()
    expect(rules.locator("tbody th")).to_have_text(["410 Gone", "RateLimited", "Timeout"])
    page.get_by_role("button", name="Edit rule 2").click()
    page.get_by_label("First delay").fill("1 min")
    save(page)
    expect(rules).to_contain_text("50 retries of its own, first after 1 min")
    page.get_by_role("button", name="Remove rule 1").click()
    expect(rules.locator("tbody tr")).to_have_count(2)
    undo(page)
    expect(rules.locator("tbody th")).to_have_text(["410 Gone", "RateLimited", "Timeout"])
    kept = db.rows("select rule, action from forge.list_retry_rules(queue => 'mails')")
    assert [row["rule"] for row in kept] == ["410 Gone", "RateLimited", "Timeout"]


def test_a_rule_that_sql_refuses_says_why(visit: Visit, tab: Tab, db: Database) -> None:
    tab.expects("status of 422")
    enqueue(db, queue="mails")
    page = visit("queues/mails")
    page.get_by_role("button", name="Add rule").click()
    page.get_by_label("Class of the error").fill("(")
    page.locator("dialog").get_by_role("button", name="Save").click()
    expect(page.locator("dialog [role=alert]")).to_contain_text("JQ001")


def test_a_pause_is_told_with_its_reason(visit: Visit, db: Database) -> None:
    enqueue(db, queue="mails")
    page = visit("queues/mails")
    page.get_by_role("button", name="Pause", exact=True).click()
    page.get_by_label("Reason").fill("the server moves")
    page.locator("#pause").get_by_role("button", name="Pause").click()
    expect(page.locator("main .notice").first).to_contain_text("Reason: the server moves")
    page.get_by_role("button", name="Resume", exact=True).click()
    expect(page.get_by_role("button", name="Pause", exact=True)).to_be_visible()
    assert len(db.rows("select * from forge.dequeue('mails')")) == 1


def test_removing_a_queue_takes_its_name(visit: Visit, db: Database) -> None:
    die(db, queue="mails")
    enqueue(db, queue="mails")
    enqueue(db, queue="other")
    page = visit("queues/mails")
    page.get_by_role("button", name="Remove…").click()
    yes = page.get_by_role("button", name="Remove for good")
    page.locator("#confirm-typed").fill("mail")
    expect(yes).to_be_disabled()
    page.locator("#confirm-typed").fill("mails")
    yes.click()
    expect(page.locator("#toasts")).to_contain_text("Queue mails is removed")
    expect(page.get_by_role("heading", name="Queues", exact=True)).to_be_visible()
    assert one(db, "list_queues()") is None
    assert db.value("select count(*) from forge.all_jobs where queue = 'mails'") == 0
    assert db.value("select count(*) from forge.all_jobs where queue = 'other'") == 1


def test_a_queue_that_is_not_there_says_how_it_comes(visit: Visit, tab: Tab, db: Database) -> None:
    tab.expects("status of 404")
    page = visit("queues/mails")
    expect(page.locator("main")).to_contain_text("There is no such queue")
    page.get_by_role("button", name="Enqueue a job in it").click()
    expect(page.locator("#field-queue")).to_have_value("mails")
    page.locator("#field-type").fill("email")
    page.keyboard.press("Control+Enter")
    expect(page.get_by_role("list", name="Numbers of mails")).to_contain_text("Ready1")


def test_nobody_who_pulls_is_warned_of(visit: Visit, db: Database) -> None:
    enqueue(db, queue="mails")
    page = visit("queues/mails")
    expect(page.get_by_role("list", name="Warnings")).to_contain_text("no registered worker")
    expect(page.locator("main")).to_contain_text("forge worker myapp:forge --queue mails")


def test_a_viewer_changes_nothing(visit_as_viewer: Visit, db: Database) -> None:
    enqueue(db, queue="mails")
    db.rows("select * from forge.set_admission('mails', max_depth => 10)")
    page = visit_as_viewer("queues/mails")
    expect(page.locator("#admission")).to_contain_text("of 10")
    expect(page.locator("main [data-right]:visible")).to_have_count(0)
