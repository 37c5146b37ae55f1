"""What a person does on the page reaches the database, and a refusal is said in words."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from tests.dashboard.conftest import Tab
from tests.dashboard.jobs import die, enqueue
from tests.database import Database


def status_of(db: Database, id: int) -> str:
    status: str = db.value("select status from forge.job(%s)", id)
    return status


def open_form(page: Page) -> None:
    page.get_by_role("button", name="Enqueue", exact=True).click()
    expect(page.locator("#enqueue")).to_be_visible()


def test_the_form_enqueues(dashboard: Page, db: Database) -> None:
    open_form(dashboard)
    form = dashboard.locator("#enqueue-form")
    form.locator('[name="type"]').fill("report")
    form.locator('[name="queue"]').fill("reports")
    form.locator('[name="payload"]').fill('{"id": 12345678901234567890, "total": 1.10}')
    form.locator('[name="priority"]').fill("7")
    form.locator('[name="max_retries"]').fill("3")
    form.locator('[name="scheduled_at"]').fill("2100-01-02T03:04:05")
    form.get_by_role("button", name="Enqueue").click()
    expect(dashboard.locator("#toasts")).to_contain_text("Enqueued report")
    expect(dashboard.locator("#enqueue")).to_be_hidden()
    (job,) = db.rows(
        "select type, queue, priority, max_retries, payload::text,"
        " extract(year from scheduled_at)::int as year from forge.jobs"
    )
    # A payload is stored as it was typed: no number in it went through a double.
    assert job["payload"] == '{"id": 12345678901234567890, "total": 1.10}'
    assert (job["type"], job["queue"], job["priority"], job["max_retries"], job["year"]) == (
        "report",
        "reports",
        7,
        3,
        2100,
    )


def test_the_newly_enqueued_job_opens_from_the_message(dashboard: Page, db: Database) -> None:
    open_form(dashboard)
    dashboard.locator('#enqueue [name="type"]').fill("email")
    dashboard.keyboard.press("Control+Enter")
    dashboard.locator("#toasts").get_by_text("Open").click()
    expect(dashboard.locator("#job-title")).to_contain_text("email")


def test_invalid_json_is_refused_while_it_is_typed(dashboard: Page, db: Database) -> None:
    open_form(dashboard)
    form = dashboard.locator("#enqueue-form")
    form.locator('[name="type"]').fill("email")
    form.locator('[name="payload"]').fill('{\n  "to": "a@example.com",\n}')
    expect(dashboard.locator("#payload-problem")).to_have_text(
        "Line 3, column 1: a comma before } has nothing after it."
    )
    form.get_by_role("button", name="Enqueue").click()
    expect(form.locator('[name="payload"]')).to_be_focused()
    expect(dashboard.locator("#enqueue")).to_be_visible()
    assert db.value("select count(*) from forge.jobs") == 0

    form.locator('[name="payload"]').fill("{}")
    expect(form.locator('[name="payload"]')).not_to_have_attribute("aria-invalid", "true")


def test_numbers_out_of_range_and_a_missing_type_are_refused(dashboard: Page, db: Database) -> None:
    open_form(dashboard)
    form = dashboard.locator("#enqueue-form")
    form.locator('[name="priority"]').fill("40000")
    expect(dashboard.locator("#priority-problem")).to_contain_text("from -32768 to 32767")
    form.locator('[name="max_retries"]').fill("1.5")
    expect(dashboard.locator("#max_retries-problem")).to_contain_text("whole number")
    form.get_by_role("button", name="Enqueue").click()
    expect(dashboard.locator("#type-problem")).to_contain_text("A job needs a type")
    assert db.value("select count(*) from forge.jobs") == 0


def test_what_the_api_refuses_is_said_with_its_code(
    dashboard: Page, tab: Tab, db: Database
) -> None:
    tab.expects("status of 422")
    open_form(dashboard)
    dashboard.locator('#enqueue [name="type"]').fill("a\ttab")
    dashboard.locator("#enqueue-form").get_by_role("button", name="Enqueue").click()
    expect(dashboard.locator("#enqueue-error")).to_contain_text("JQ001")
    assert db.value("select count(*) from forge.jobs") == 0


def test_a_dead_job_is_retried(dashboard: Page, db: Database) -> None:
    id = die(db)
    row = dashboard.locator(f'#dead-rows [data-key="{id}"]')
    expect(row).to_contain_text("no such user")
    row.get_by_role("button", name="Retry").click()
    expect(dashboard.locator("#toasts")).to_contain_text(f"Retried email #{id}")
    expect(row).to_have_count(0)
    expect(dashboard.locator('[data-tile="ready"] .tile-count')).to_have_text("1")
    assert status_of(db, id) == "PENDING"
    dashboard.locator(f'#job-rows [data-key="{id}"]').click()
    expect(dashboard.locator("#job")).to_contain_text("Came from")
    expect(dashboard.locator("#job")).to_contain_text("DEAD, retry by")


def test_discarding_takes_two_presses(dashboard: Page, db: Database) -> None:
    id = die(db)
    button = dashboard.locator(f'#dead-rows [data-key="{id}"] [data-slot="discard"]')
    button.click()
    expect(button).to_have_text("Really discard?")
    assert db.value("select count(*) from forge.dead_jobs") == 1
    button.click()
    expect(dashboard.locator("#dead-empty")).to_be_visible()  # its text is there all the time
    expect(dashboard.locator("#dead-empty")).to_contain_text("Nothing has died")
    assert db.value("select count(*) from forge.dead_jobs") == 0


def test_all_that_match_are_retried_and_no_other(dashboard: Page, db: Database) -> None:
    for _ in range(3):
        die(db, error="timeout after 10 s")
    other = die(db, error="no such user")
    dashboard.locator("#dead-error").fill("timeout")
    expect(dashboard.locator("#dead-rows > li")).to_have_count(3)
    dashboard.get_by_role("button", name="Retry all that match").click()
    expect(dashboard.locator("#confirm-text")).to_contain_text("whose error contains “timeout”")
    dashboard.locator("#confirm-yes").click()
    expect(dashboard.locator("#toasts")).to_contain_text("Retried 3 jobs")
    expect(dashboard.locator("#confirm")).to_be_hidden()
    expect(dashboard.locator("#dead-empty")).to_contain_text("No dead job matches")
    assert [row["id"] for row in db.rows("select id from forge.dead_jobs")] == [other]


def test_more_than_one_batch_is_retried(dashboard: Page, db: Database) -> None:
    db.rows("select forge.enqueue('email', max_retries => 0) from generate_series(1, 230)")
    db.rows(
        "select f.id from forge.dequeue(max_jobs => 1000) as j,"
        " lateral forge.fail(j.id, j.lease, 'boom', retryable => false) as f"
    )
    expect(dashboard.locator("#dead-count")).to_have_text("230")
    dashboard.get_by_role("button", name="Retry all").click()
    expect(dashboard.locator("#confirm-text")).to_contain_text("230 jobs")
    dashboard.locator("#confirm-yes").click()
    expect(dashboard.locator("#toasts")).to_contain_text("Retried 230 jobs")
    assert db.value("select count(*) from forge.dead_jobs") == 0


def test_a_queue_is_paused_and_resumed(dashboard: Page, db: Database) -> None:
    enqueue(db)
    dashboard.get_by_role("button", name="Pause queue default").click()
    expect(dashboard.locator("#notices")).to_contain_text("Queue default is paused")
    assert db.rows("select * from forge.dequeue()") == []
    dashboard.get_by_role("button", name="Resume queue default").click()
    expect(dashboard.get_by_role("button", name="Pause queue default")).to_be_visible()
    db.rows("select * from forge.pause('default', reason => 'the server moves')")
    expect(dashboard.locator("#notices")).to_contain_text("Reason: the server moves")
    db.rows("select * from forge.resume('default')")
    expect(dashboard.locator("#notices")).not_to_contain_text("the server moves")
    assert len(db.rows("select * from forge.dequeue()")) == 1
