"""What a job says shows on its page while it runs."""

from __future__ import annotations

import json
from typing import Any

from playwright.sync_api import expect

from tests.dashboard.conftest import Visit
from tests.dashboard.jobs import claim, enqueue
from tests.database import Database


def say(db: Database, job: dict[str, Any], message: str, level: str, data: Any = None) -> None:
    query = "select forge.log(%s, %s, %s, %s, %s::jsonb)"
    document = None if data is None else json.dumps(data)
    db.rows(query, job["id"], job["lease"], message, level, document)


def test_lines_come_while_the_job_runs(visit: Visit, db: Database) -> None:
    id = enqueue(db, timeout="90 seconds")
    job = claim(db)
    page = visit(f"jobs/{id}")
    expect(page.locator("#facts")).to_contain_text("May run for")
    log = page.get_by_role("log", include_hidden=True)
    expect(log).to_be_hidden()

    say(db, job, "<b>page 1</b>", "info", {"password": "x"})
    expect(log.locator("li")).to_have_count(1)
    expect(log).to_contain_text("<b>page 1</b>")
    expect(log).to_contain_text("••••••")
    say(db, job, "slow", "warning")
    expect(log.locator("li")).to_have_count(2)
    expect(log).to_contain_text("warning slow")

    # The last word, too, though the job has ended by the time it is read.
    say(db, job, "done", "info")
    db.rows("select forge.complete(%s, %s)", job["id"], job["lease"])
    expect(log.locator("li")).to_have_count(3)


def test_the_end_is_followed_until_the_reader_goes_back(visit: Visit, db: Database) -> None:
    id = enqueue(db)
    job = claim(db)
    for number in range(60):
        say(db, job, f"line {number}", "info")
    page = visit(f"jobs/{id}")
    log = page.get_by_role("log")
    expect(log.locator("li")).to_have_count(60)
    expect(log.get_by_text("line 59")).to_be_in_viewport()

    log.evaluate("element => { element.scrollTop = 0; }")
    say(db, job, "line 60", "info")
    follow = page.get_by_role("button", name="Follow")
    expect(follow).to_be_visible()
    assert log.evaluate("element => element.scrollTop") == 0
    follow.click()
    expect(log.get_by_text("line 60")).to_be_in_viewport()
    expect(follow).to_be_hidden()
