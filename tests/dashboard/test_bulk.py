"""Many jobs at once: ticked or all that match, counted first, in batches that can be stopped."""

from __future__ import annotations

from playwright.sync_api import Page, Route, expect

from tests.dashboard.conftest import Visit
from tests.dashboard.jobs import claim, die, enqueue
from tests.database import Database

LATER = "2100-01-01T00:00:00Z"


def tick(page: Page, *ids: int) -> None:
    for id in ids:
        page.locator(f'#jobs [data-key="{id}"] input').check()


def answer(page: Page, title: str) -> None:
    expect(page.locator("#confirm-title")).to_have_text(title)
    page.locator("#confirm-yes").click()
    expect(page.locator("#confirm")).to_be_hidden()


def statuses(db: Database) -> dict[int, str]:
    rows = db.rows("select id, status from forge.all_jobs order by id")
    return {row["id"]: row["status"] for row in rows}


def test_ticked_jobs_are_cancelled_and_no_other(visit: Visit, db: Database) -> None:
    kept, *gone = [enqueue(db) for _ in range(3)]
    page = visit("jobs")
    tick(page, *gone)
    expect(page.get_by_role("toolbar")).to_contain_text("2 selected")
    page.locator("#bulk-cancel").click()
    answer(page, "Cancel 2 jobs?")
    expect(page.locator("#toasts")).to_contain_text("Cancelled: 2 jobs")
    expect(page.get_by_role("toolbar")).to_be_hidden()
    assert statuses(db) == {kept: "PENDING", **dict.fromkeys(gone, "CANCELLED")}
    page.locator("#toasts").get_by_role("button", name="Undo").click()
    expect(page.locator("#toasts").get_by_role("button", name="Undo")).to_have_count(0)
    assert set(statuses(db).values()) == {"PENDING"}


def test_all_that_match_are_cancelled_in_batches(visit: Visit, db: Database) -> None:
    db.value("select count(forge.enqueue('email')) from generate_series(1, 1100)")
    other = enqueue(db, "report")
    page = visit("jobs?type=email")
    page.get_by_role("checkbox", name="Select all that are shown").check()
    expect(page.get_by_role("toolbar")).to_contain_text("50 selected")
    page.get_by_role("button", name="Select all 1,100 that match").click()
    expect(page.get_by_role("toolbar")).to_contain_text("All 1,100 that match")
    page.locator("#bulk-cancel").click()
    expect(page.locator("#confirm-text")).to_contain_text("of type email")
    answer(page, "Cancel 1,100 jobs?")
    expect(page.locator("#toasts")).to_contain_text("Cancelled: 1,100 jobs")
    assert db.value("select count(*) from forge.jobs") == 1
    assert statuses(db)[other] == "PENDING"


def test_stop_ends_after_the_batch_in_hand(visit: Visit, db: Database) -> None:
    db.value("select count(forge.enqueue('email')) from generate_series(1, 1100)")
    page = visit("jobs?type=email")
    page.get_by_role("checkbox", name="Select all that are shown").check()
    page.locator("#select-all").click()
    page.locator("#bulk-cancel").click()
    expect(page.locator("#confirm-title")).to_have_text("Cancel 1,100 jobs?")
    # The first batch is let through only once the stop has been pressed.
    held: list[Route] = []
    page.route("**/jobs/cancel", lambda route: held.append(route))
    with page.expect_request("**/jobs/cancel"):
        page.locator("#confirm-yes").click()
    page.locator("#confirm-no").click()
    held[0].continue_()
    expect(page.locator("#toasts")).to_contain_text("Stopped before the rest")
    assert len(held) == 1
    assert db.value("select count(*) from forge.jobs") == 600


def test_scheduled_jobs_are_run_now(visit: Visit, db: Database) -> None:
    later = enqueue(db, scheduled_at=LATER)
    page = visit("jobs")
    tick(page, later)
    page.locator("#bulk-run").click()
    answer(page, "Run now 1 job?")
    expect(page.locator("#toasts")).to_contain_text("Ready to run: 1 job")
    assert claim(db)["id"] == later


def test_dead_and_cancelled_jobs_are_retried_together(visit: Visit, db: Database) -> None:
    dead = die(db)
    cancelled = enqueue(db)
    db.rows("select * from forge.cancel(%s)", cancelled)
    page = visit("jobs")
    tick(page, dead, cancelled)
    page.locator("#bulk-retry").click()
    answer(page, "Retry 2 jobs?")
    expect(page.locator("#toasts")).to_contain_text("Retried: 2 jobs")
    assert statuses(db) == {dead: "PENDING", cancelled: "PENDING"}


def test_priority_and_queue_of_many_are_changed(visit: Visit, db: Database) -> None:
    ids = [enqueue(db) for _ in range(2)]
    page = visit("jobs")
    tick(page, *ids)
    page.locator("#bulk-change").click()
    page.locator("#change button[type=submit]").click()
    expect(page.locator("#change")).to_contain_text("Nothing to change")
    page.locator("#field-priority").fill("7")
    page.locator("#field-queue").fill("fast")
    page.locator("#change button[type=submit]").click()
    expect(page.locator("#confirm-text")).to_contain_text("priority 7, queue fast")
    answer(page, "Change 2 jobs?")
    expect(page.locator("#toasts")).to_contain_text("Changed: 2 jobs")
    rows = db.rows("select distinct queue, priority from forge.jobs")
    assert rows == [{"queue": "fast", "priority": 7}]


def test_actions_that_no_ticked_job_allows_are_not_offered(visit: Visit, db: Database) -> None:
    dead, ready = die(db), enqueue(db)
    page = visit("jobs")
    tick(page, dead)
    expect(page.locator("#bulk-retry")).to_be_visible()
    expect(page.locator("#bulk-cancel")).to_be_hidden()
    page.get_by_role("button", name="Select none").click()
    tick(page, ready)
    expect(page.locator("#bulk-cancel")).to_be_visible()
    expect(page.locator("#bulk-run")).to_be_hidden()
    expect(page.locator("#bulk-retry")).to_be_hidden()
