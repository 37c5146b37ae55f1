"""Schedules: in plain words, run, paused, changed, deleted, and taken back."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.dashboard.conftest import Tab, Visit
from tests.dashboard.jobs import complete
from tests.database import Database


def schedule(
    db: Database, name: str = "nightly", cron: str = "0 3 * * *", type: str = "report"
) -> None:
    db.rows(
        "select * from forge.schedule(%s, %s, %s, %s::jsonb, tags => '{a}')",
        *(name, cron, type, '{"big": 12345678901234567890}'),
    )


def undo(page: Page) -> None:
    page.locator("#toasts").get_by_role("button", name="Undo").last.click()


def test_the_list_says_when_and_how_it_went(visit: Visit, db: Database) -> None:
    schedule(db)
    page = visit("schedules")
    row = page.locator("tbody tr")
    expect(row).to_contain_text("Every day at 03:00 UTC")
    expect(row).to_contain_text("never ran")
    page.get_by_role("button", name="Run nightly now").click()
    expect(page.locator("#toasts")).to_contain_text("Enqueued report")
    expect(row).to_contain_text("Ready")
    id = complete(db)
    expect(row).to_contain_text("Completed")
    row.get_by_role("link", name="Completed").click()
    expect(page).to_have_url(re.compile(f"#/jobs/{id}"))


def test_it_is_paused_and_that_is_taken_back(visit: Visit, db: Database) -> None:
    schedule(db)
    page = visit("schedules")
    row = page.locator("tbody tr")
    page.get_by_role("button", name="Pause nightly").click()
    expect(row).to_contain_text("Paused")
    assert db.value("select paused_at is not null from forge.schedules") is True
    undo(page)
    expect(page.get_by_role("button", name="Pause nightly")).to_be_visible()
    assert db.value("select paused_at is null from forge.schedules") is True


def test_a_schedule_is_made_with_its_next_runs_in_view(visit: Visit, db: Database) -> None:
    page = visit("schedules")
    expect(page.locator(".empty")).to_contain_text("No schedules yet")
    page.get_by_role("button", name="New schedule").click()
    form = page.locator("#schedule-form")
    form.get_by_label("Name").fill("weekdays")
    form.get_by_label("When").fill("0 9 * *")
    expect(form.locator("#cron-problem")).to_contain_text("Five fields")
    form.get_by_label("When").fill("0 9 * * mon-fri")
    form.get_by_label("Time zone").fill("Mars")
    expect(form.locator("#time_zone-problem")).to_have_text("A name like Europe/Berlin.")
    form.get_by_label("Time zone").fill("Europe/Berlin")
    preview = form.locator("#schedule-preview")
    expect(preview).to_contain_text("Every weekday at 09:00 in Europe/Berlin")
    expect(preview.locator("li")).to_have_count(5)
    expect(preview.locator("li").first).to_contain_text("09:00")
    form.get_by_label("Type", exact=True).fill("report")
    form.get_by_label("Payload").fill('{"n": 9007199254740993}')
    form.get_by_text("More options").click()
    form.get_by_label("While the last one still runs").select_option("skip")
    form.get_by_role("button", name="Make it").click()
    expect(page.locator("tbody tr")).to_contain_text("Every weekday at 09:00 in Europe/Berlin")
    (row,) = db.rows("select cron, time_zone, overlap, payload::text from forge.schedules")
    assert row["payload"] == '{"n": 9007199254740993}'
    assert (row["cron"], row["overlap"]) == ("0 9 * * mon-fri", "skip")
    undo(page)
    expect(page.locator(".empty")).to_contain_text("No schedules yet")


def test_one_is_changed_and_that_is_taken_back(visit: Visit, db: Database) -> None:
    schedule(db)
    page = visit("schedules/nightly")
    expect(page.locator(".when")).to_have_text("Every day at 03:00 UTC")
    expect(page.locator(".runs li").first).to_contain_text("03:00")
    page.get_by_role("button", name="Edit").click()
    form = page.locator("#schedule-form")
    expect(form.get_by_label("Payload")).to_have_value(re.compile("12345678901234567890"))
    form.get_by_label("When").fill("every 15 minutes")
    form.get_by_role("button", name="Save").click()
    expect(page.locator(".when")).to_have_text("Every 15 minutes")
    (row,) = db.rows("select cron, tags, payload::text from forge.schedules")
    assert row == {
        "cron": "every 15 minutes", "tags": ["a"], "payload": '{"big": 12345678901234567890}'
    }  # fmt: skip
    undo(page)
    expect(page.locator(".when")).to_have_text("Every day at 03:00 UTC")


def test_one_is_deleted_and_that_is_taken_back(visit: Visit, db: Database) -> None:
    schedule(db)
    db.rows("select * from forge.pause_schedule('nightly')")
    page = visit("schedules/nightly")
    page.get_by_role("button", name="Delete").click()
    expect(page.locator(".empty")).to_contain_text("No schedules yet")
    undo(page)
    expect(page.locator(".when")).to_have_text("Every day at 03:00 UTC")
    (row,) = db.rows("select payload::text, paused_at from forge.schedules")
    assert row["payload"] == '{"big": 12345678901234567890}'
    assert row["paused_at"] is not None


def test_a_refusal_is_said_at_its_field(visit: Visit, tab: Tab, db: Database) -> None:
    tab.expects("status of 422")
    page = visit("schedules")
    page.get_by_role("button", name="New schedule").click()
    form = page.locator("#schedule-form")
    form.get_by_label("Name").fill("x" * 200)
    form.get_by_label("When").fill("0 0 31 2 *")
    form.get_by_label("Type", exact=True).fill("a\tb")
    form.get_by_role("button", name="Make it").click()
    expect(form.get_by_role("alert")).to_contain_text("JQ001")
    expect(form.locator("#type-problem")).to_contain_text("without control characters")
    assert db.value("select count(*) from forge.schedules") == 0


def test_one_that_fails_says_why(visit: Visit, db: Database) -> None:
    schedule(db)
    db.rows("update forge.schedules set failures = 3, last_error = 'JQ013: the queue is full'")
    page = visit("schedules/nightly")
    expect(page.locator(".notice")).to_contain_text("could not be enqueued 3 times")
    expect(page.locator(".notice")).to_contain_text("the queue is full")


def test_a_name_that_is_none_is_said_to(visit: Visit, tab: Tab) -> None:
    tab.expects("status of 404")
    page = visit("schedules/nobody")
    expect(page.locator(".empty")).to_contain_text("JQ007")


@pytest.mark.parametrize("address", ["schedules", "schedules/" + "n" * 150])
def test_a_phone_needs_no_sideways_scrolling(visit: Visit, db: Database, address: str) -> None:
    schedule(db, "n" * 150, type="t" * 150)
    page = visit(address)
    page.set_viewport_size({"width": 360, "height": 780})
    expect(page.locator("main")).to_contain_text("very day at 03:00")
    assert page.evaluate("document.documentElement.scrollWidth") == 360
