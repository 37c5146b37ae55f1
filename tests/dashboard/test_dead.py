"""The dead letters: by error and job by job, retried and discarded one by one or all that match."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from tests.dashboard.conftest import Tab, Visit, connected
from tests.dashboard.jobs import die, enqueue
from tests.dashboard.serving import serving
from tests.database import Database

TOKENS = {"a-viewer-of-the-dashboard": "viewer"}


def dead(db: Database) -> list[int]:
    return [row["id"] for row in db.rows("select id from forge.dead_jobs order by id")]


def status_of(db: Database, id: int) -> str:
    status: str = db.value("select status from forge.job(%s)", id)
    return status


def many(db: Database, number: int, type: str = "email") -> None:
    db.rows("select forge.enqueue(%s, max_retries => 0) from generate_series(1, %s)", type, number)
    db.rows(
        "select f.id from forge.dequeue(max_jobs => 1000) as j,"
        " lateral forge.fail(j.id, j.lease, 'boom', retryable => false) as f"
    )


def row_of(page: Page, id: int) -> Locator:
    return page.locator(f'#dead-jobs [data-key="{id}"]')


def test_jobs_that_died_of_the_same_are_one_group(visit: Visit, db: Database) -> None:
    for user in (1, 2, 3):
        die(db, error=f"no user {user} here")
    other = die(db, "report", error="disk full")
    page = visit("dead")
    groups = page.locator("#dead-groups tbody tr")
    expect(groups).to_have_count(2)
    expect(groups.first).to_contain_text("ValueError: disk full")
    expect(groups.nth(1)).to_contain_text("no user <n> here")
    expect(groups.nth(1).locator("td").first).to_have_text("3")
    die(db, error="no user 4 here")
    expect(groups.first.locator("td").first).to_have_text("4")

    page.get_by_role("link", name="disk full").click()
    expect(page).to_have_url(re.compile(r"#/dead\?fingerprint=\w+&queue=default&type=report"))
    expect(page.locator("#dead-group")).to_contain_text("For example: disk full")
    expect(page.locator("#dead-jobs tbody tr")).to_have_count(1)
    row_of(page, other).locator("summary").first.click()
    expect(row_of(page, other)).to_contain_text("Attempt 1 failed")
    row_of(page, other).get_by_text("Traceback", exact=True).click()
    expect(row_of(page, other)).to_contain_text("Traceback: line 1")
    page.reload()
    expect(page.locator("#dead-jobs tbody tr")).to_have_count(1)
    page.get_by_role("link", name="Dead letters").last.click()
    expect(groups).to_have_count(2)


def test_one_job_is_retried(visit: Visit, db: Database) -> None:
    id = die(db)
    page = visit("dead?view=jobs")
    row_of(page, id).get_by_role("button", name="Retry").click()
    expect(page.locator("#toasts")).to_contain_text(f"Retried email #{id}")
    expect(row_of(page, id)).to_have_count(0)
    assert status_of(db, id) == "PENDING"
    expect(page.locator("#dead-jobs")).to_contain_text("No dead job matches")


def test_discarding_takes_two_presses(visit: Visit, db: Database) -> None:
    id = die(db)
    page = visit("dead?view=jobs")
    button = row_of(page, id).get_by_role("button", name="Discard")
    button.click()
    expect(button).to_have_text("Really?")
    assert dead(db) == [id]
    button.click()
    expect(row_of(page, id)).to_have_count(0)
    assert dead(db) == []


def test_a_group_is_looked_at_and_retried(visit: Visit, db: Database) -> None:
    for user in (1, 2):
        die(db, error=f"no user {user} here")
    other = die(db, error="disk full")
    page = visit("dead")
    page.get_by_role("button", name=re.compile("Retry the group: .*no user")).click()
    expect(page.locator("#dry-count")).to_have_text("2 jobs")
    expect(page.locator("#dry-sample li")).to_have_count(2)
    assert len(dead(db)) == 3
    page.get_by_role("button", name="Retry 2 jobs").click()
    expect(page.locator("#toasts")).to_contain_text("Retried 2 jobs")
    expect(page.locator("#dead-groups tbody tr")).to_have_count(1)
    assert dead(db) == [other]


def test_all_that_match_are_retried_in_batches_and_no_other(visit: Visit, db: Database) -> None:
    many(db, 230)
    other = die(db, error="no such user")
    page = visit("dead")
    page.get_by_label("Error", exact=True).fill("boom")
    expect(page).to_have_url(re.compile("error=boom"))
    page.get_by_role("button", name="Retry all that match").click()
    expect(page.locator("#revive")).to_contain_text("whose error contains “boom”")
    page.get_by_role("button", name="Retry 230 jobs").click()
    expect(page.locator("#toasts")).to_contain_text("Retried 230 jobs")
    expect(page.locator("#dead-jobs")).to_contain_text("There is none whose error contains “boom”")
    assert dead(db) == [other]


def test_all_that_match_are_discarded_after_a_question(visit: Visit, db: Database) -> None:
    die(db, error="disk full", tags=["old"])
    other = die(db, error="disk full")
    page = visit("dead?tag=old")
    expect(page.locator("#dead-jobs tbody tr")).to_have_count(1)
    page.get_by_role("button", name="Discard all that match").click()
    expect(page.locator("#confirm")).to_contain_text("Discard 1 job?")
    expect(page.locator("#confirm-text")).to_contain_text("tagged old")
    page.locator("#confirm-yes").click()
    expect(page.locator("#toasts")).to_contain_text("Discarded 1 job")
    assert dead(db) == [other]


def test_a_revival_is_begun_watched_and_cancelled(visit: Visit, db: Database) -> None:
    many(db, 5)
    page = visit("dead")
    page.get_by_role("button", name="Retry all").click()
    expect(page.locator("#dry-count")).to_have_text("5 jobs")
    page.get_by_label("How fast").select_option("rate")
    page.get_by_label("Jobs a second").fill("0.001")
    page.get_by_label("Try so many first").fill("1")
    page.get_by_role("button", name="Retry 5 jobs").click()
    expect(page.locator("#toasts")).to_contain_text("has begun")
    revival = page.locator("#revivals tbody tr")
    expect(revival).to_contain_text("Trying the first")
    expect(revival).to_contain_text("1 back")
    assert len(dead(db)) == 4
    revival.get_by_role("button", name="Cancel").click()
    expect(revival).to_contain_text("Cancelled")
    assert len(dead(db)) == 4


def test_a_pace_needs_its_number(visit: Visit, db: Database) -> None:
    die(db)
    page = visit("dead")
    page.get_by_role("button", name="Retry all").click()
    expect(page.get_by_label("Jobs a second")).to_be_hidden()
    page.get_by_label("How fast").select_option("rate")
    page.get_by_label("Jobs a second").fill("")
    page.get_by_role("button", name="Retry 1 job").click()
    expect(page.locator("#rate-problem")).to_have_text("How many a second?")
    assert len(dead(db)) == 1


def test_filters_find_by_payload_and_are_in_the_address(visit: Visit, db: Database) -> None:
    one = die(db, payload={"to": "ada@example.com", "n": 1})
    die(db, payload={"to": "bob@example.com", "n": 1})
    page = visit("dead?payload=to%3Dada%40example.com")
    expect(page.locator("#dead-jobs tbody tr")).to_have_count(1)
    expect(row_of(page, one)).to_be_visible()
    expect(page.get_by_label("Payload")).to_have_value("to=ada@example.com")
    page.get_by_label("Payload").fill("{")
    expect(page.locator("#dead-jobs")).to_contain_text("This JSON is not complete")
    # What cannot be read is not taken for everything.
    expect(page.get_by_role("button", name="Retry all that match")).to_be_hidden()
    page.get_by_role("button", name="Clear").click()
    expect(page.locator("#dead-groups tbody tr")).to_have_count(1)
    page.get_by_text("Job by job").click()
    expect(page.locator("#dead-jobs tbody tr")).to_have_count(2)
    assert "view=jobs" in page.url


def test_nothing_dead_says_what_comes_here(visit: Visit) -> None:
    page = visit("dead")
    expect(page.locator("#dead-groups")).to_contain_text("Nothing has died")
    expect(page.get_by_role("button", name="Retry all")).to_be_hidden()


def test_a_job_that_is_dead_no_more_is_said_to(visit: Visit, tab: Tab, db: Database) -> None:
    tab.expects("status of 4..")
    id = die(db)
    page = visit("dead?view=jobs")

    def somebody_is_faster(route: Route) -> None:
        db.rows("select * from forge.retry(%s)", id)
        route.continue_()

    page.route(f"**/dlq/{id}", somebody_is_faster)
    button = row_of(page, id).get_by_role("button", name="Discard")
    button.click()
    button.click()
    expect(page.locator("#toasts")).to_contain_text(re.compile("JQ00[34]"))
    assert status_of(db, id) == "PENDING"


def test_a_viewer_looks_and_changes_nothing(page: Page, tab: Tab, db: Database) -> None:
    die(db)
    with serving(db.dsn, tokens=TOKENS) as api:
        page.goto(api.url)
        page.evaluate(
            "t => sessionStorage.setItem(`forge.token ${location.origin}/`, t)", next(iter(TOKENS))
        )
        tab.expects("status of 401")
        page.goto(f"{api.url}/#/dead")
        page.reload()
        connected(page)
        expect(page.locator("#dead-groups tbody tr")).to_have_count(1)
        expect(page.get_by_role("button", name=re.compile("Retry|Discard"))).to_have_count(0)


@pytest.mark.parametrize("address", ["dead", "dead?view=jobs", "dead?error=x"])
def test_a_phone_needs_no_sideways_scrolling(visit: Visit, db: Database, address: str) -> None:
    die(db, "a-type-" + "x" * 150, error="an-error-" + "y" * 300, queue="default")
    enqueue(db)
    page = visit(address)
    page.set_viewport_size({"width": 360, "height": 780})
    expect(page.locator("#dead-groups, #dead-jobs").first).to_be_attached()
    page.wait_for_function("() => document.querySelector('main').textContent.length > 40")
    assert page.evaluate("document.documentElement.scrollWidth") == 360


def test_hostile_errors_are_text(visit: Visit, db: Database) -> None:
    die(db, "<b>type</b>", error="<img src=x onerror=alert(1)> \u202efdp.exe")
    page = visit("dead")
    expect(page.locator("#dead-groups")).to_contain_text("<img src=x onerror=alert(<n>)>")
    expect(page.locator("#dead-groups")).to_contain_text("\\u202efdp")
    assert page.locator("main img").count() == 0
