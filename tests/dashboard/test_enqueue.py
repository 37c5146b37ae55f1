"""The form that enqueues: known types, every option, help from schemas, the request as JSON."""

from __future__ import annotations

import json
import re

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.dashboard.conftest import Tab, Visit
from tests.dashboard.jobs import die, enqueue
from tests.database import Database

SCHEMA = {
    "type": "object",
    "required": ["to"],
    "properties": {
        "to": {"type": "string", "description": "who gets it"},
        "copies": {"type": "integer"},
    },
}


@pytest.fixture
def form(visit: Visit) -> Locator:
    page = visit("schedules")
    page.get_by_role("button", name="Enqueue", exact=True).click()
    expect(page.locator("#field-type")).to_be_focused()
    return page.locator("#enqueue")


def send(form: Locator) -> None:
    form.get_by_role("button", name="Enqueue").click()


def test_a_job_is_enqueued_as_it_was_typed(form: Locator, db: Database) -> None:
    form.get_by_label("Type", exact=True).fill("report")
    form.get_by_label("Queue").fill("reports")
    form.get_by_label("Payload").fill('{"id": 12345678901234567890, "total": 1.10}')
    form.get_by_label("Run at").fill("2100-01-02T03:04:05")
    form.page.keyboard.press("Control+Enter")
    expect(form.page.locator("#toasts")).to_contain_text("Enqueued report")
    expect(form).to_have_count(0)
    (job,) = db.rows("select type, queue, payload::text, scheduled_at::text from forge.jobs")
    # No number in it went through a double.
    assert job["payload"] == '{"id": 12345678901234567890, "total": 1.10}'
    assert (job["type"], job["queue"], job["scheduled_at"][:4]) == ("report", "reports", "2100")
    form.page.locator("#toasts").get_by_text("Open").click()
    expect(form.page).to_have_url(re.compile(r"#/jobs/\d+"))


def test_every_option_reaches_the_job(form: Locator, db: Database) -> None:
    parent = enqueue(db, "parent")
    form.get_by_label("Type", exact=True).fill("report")
    form.get_by_label("Or after").fill("10 min")
    form.get_by_text("More options").click()
    given = {
        "Priority": "7", "Tags": "a, b", "One attempt may take": "2 min", "Concurrency key": "c7",
        "Unique key": "only-one", "Taken on after the end for": "1 h", "Retries at most": "3",
        "Waits for jobs": str(parent), "First wait": "5 s", "Then times": "3",
        "Longest wait": "1 min", "Spread": "0.5",
        "Rules by error": '[{"error": "boom", "action": "permanent"}]',
    }  # fmt: skip
    for label, value in given.items():
        form.get_by_label(label, exact=True).fill(value)
    form.get_by_label("If one of them fails").select_option("cancel")
    send(form)
    expect(form.page.locator("#toasts")).to_contain_text("Enqueued report")
    (job,) = db.rows(
        "select status, priority, tags, timeout, unique_key, max_retries, concurrency_key,"
        " on_parent_failure, scheduled_at > created_at + interval '9 minutes' as later"
        " from forge.all_jobs where type = 'report'"
    )
    assert (job["status"], job["priority"], job["tags"]) == ("WAITING", 7, ["a", "b"])
    assert (job["unique_key"], job["max_retries"]) == ("only-one", 3)
    assert (job["concurrency_key"], job["on_parent_failure"]) == ("c7", "cancel")
    assert (job["timeout"].total_seconds(), job["later"]) == (120, True)


def test_what_is_wrong_is_said_while_it_is_typed(form: Locator, db: Database) -> None:
    form.get_by_label("Payload").fill('{\n  "to": "a@example.com",\n}')
    expect(form.locator("#payload-problem")).to_have_text(
        "Line 3, column 1: a comma before } has nothing after it."
    )
    send(form)
    expect(form.locator("#type-problem")).to_contain_text("A job needs a type")
    form.get_by_label("Type", exact=True).fill("email")
    send(form)
    expect(form.get_by_label("Payload")).to_be_focused()
    form.get_by_label("Payload").fill("{}")
    form.get_by_text("More options").click()
    form.get_by_label("Priority").fill("40000")
    expect(form.locator("#priority-problem")).to_have_text("From -32768 to 32767.")
    form.get_by_label("One attempt may take").fill("soon")
    expect(form.locator("#timeout_seconds-problem")).to_contain_text("A length of time")
    form.get_by_text("More options").click()
    send(form)
    # What is folded away opens where something in it is wrong.
    expect(form.get_by_label("Priority")).to_be_focused()
    assert db.value("select count(*) from forge.jobs") == 0


def test_a_refusal_is_said_at_the_field_that_it_names(
    form: Locator, tab: Tab, db: Database
) -> None:
    tab.expects("status of 4..")
    enqueue(db, unique_key="taken")
    form.get_by_label("Type", exact=True).fill("a\ttab")
    send(form)
    expect(form.get_by_role("alert")).to_contain_text("JQ001")
    expect(form.locator("#type-problem")).to_contain_text("without control characters")
    form.get_by_label("Type", exact=True).fill("email")
    form.get_by_text("More options").click()
    form.get_by_label("Unique key").fill("taken")
    form.get_by_label("If the key is taken").select_option("raise")
    send(form)
    expect(form.get_by_role("alert")).to_contain_text("JQ012")
    expect(form.get_by_label("Unique key")).to_have_attribute("aria-invalid", "true")
    assert db.value("select count(*) from forge.jobs") == 1


def test_a_schema_helps(form: Locator, db: Database) -> None:
    db.rows("select * from forge.set_schema('mail', %s)", json.dumps(SCHEMA))
    page = form.page
    page.keyboard.press("Escape")
    page.keyboard.press("e")
    form.get_by_label("Type", exact=True).fill("mail")
    help = form.get_by_text("What mail takes")
    expect(help).to_be_visible()
    expect(form.locator(".schema")).to_contain_text("string, needed")
    expect(form.locator(".schema")).to_contain_text("who gets it")
    expect(form.get_by_label("Payload")).to_have_value('{\n  "to": ""\n}')
    form.get_by_label("Payload").fill('{"copies": 2}')
    expect(form.locator("#payload-problem")).to_have_text("to is missing.")
    form.get_by_label("Payload").fill('{"to": "a", "copies": "2"}')
    expect(form.locator("#payload-problem")).to_have_text("copies must be an integer.")
    send(form)
    expect(form.get_by_label("Payload")).to_be_focused()
    form.get_by_label("Payload").fill('{"to": "a", "copies": 2}')
    send(form)
    expect(page.locator("#toasts")).to_contain_text("Enqueued mail")


def test_known_types_and_queues_are_offered(visit: Visit, db: Database) -> None:
    enqueue(db, "report", queue="reports")
    page = visit("schedules")
    page.keyboard.press("e")
    expect(page.locator('#known-types option[value="report"]')).to_be_attached()
    expect(page.locator('#known-queues option[value="reports"]')).to_be_attached()


def test_the_request_is_written_as_json_and_back(form: Locator, db: Database) -> None:
    page = form.page
    form.get_by_label("Type", exact=True).fill("report")
    form.get_by_label("Payload").fill('{"id": 12345678901234567890}')
    form.get_by_role("button", name="As JSON").click()
    request = form.get_by_label("Request")
    expect(request).to_have_value(re.compile(r'"type": "report"'))
    expect(request).to_have_value(re.compile(r'"id": 12345678901234567890'))
    form.get_by_role("button", name="As a form").click()
    expect(form.get_by_label("Type", exact=True)).to_have_value("report")
    expect(form.get_by_label("Payload")).to_have_value(re.compile("12345678901234567890"))
    form.get_by_role("button", name="As JSON").click()
    request.fill('[{"type": "a"}, {"type": "b", "payload": {"n": 9007199254740993}}]')
    send(form)
    expect(page.locator("#toasts")).to_contain_text("Enqueued 2 jobs")
    rows = db.rows("select type, payload::text from forge.jobs order by id")
    assert [tuple(row.values()) for row in rows] == [("a", "{}"), ("b", '{"n": 9007199254740993}')]


def test_a_refused_request_is_said_in_place(form: Locator, tab: Tab, db: Database) -> None:
    tab.expects("status of 422")
    form.get_by_role("button", name="As JSON").click()
    form.get_by_label("Request").fill('{"type": "a", "colour": "red"}')
    send(form)
    expect(form.get_by_role("alert")).to_contain_text("colour")
    expect(form.get_by_label("Request")).to_have_attribute("aria-invalid", "true")
    assert db.value("select count(*) from forge.jobs") == 0


def test_it_fits_a_phone(visit: Visit, db: Database) -> None:
    die(db)
    page = visit("schedules")
    page.set_viewport_size({"width": 360, "height": 780})
    page.get_by_role("button", name="Enqueue", exact=True).click()
    page.locator("#enqueue").get_by_text("More options").click()
    assert page.evaluate("document.documentElement.scrollWidth") == 360
    assert fits(page)


def fits(page: Page) -> bool:
    box = "document.querySelector('#enqueue')"
    return bool(page.evaluate(f"{box}.scrollWidth <= {box}.clientWidth"))
