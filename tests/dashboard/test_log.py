"""What a job says shows in its drawer while it runs."""

from __future__ import annotations

import json
from typing import Any

from playwright.sync_api import Page, expect

from tests.dashboard.jobs import claim, enqueue
from tests.database import Database


def say(db: Database, job: dict[str, Any], message: str, level: str, data: Any = None) -> None:
    query = "select forge.log(%s, %s, %s, %s, %s::jsonb)"
    document = None if data is None else json.dumps(data)
    db.rows(query, job["id"], job["lease"], message, level, document)


def test_lines_come_while_the_job_runs(dashboard: Page, db: Database) -> None:
    id = enqueue(db, timeout="90 seconds")
    job = claim(db)
    dashboard.locator(f'#job-rows [data-key="{id}"]').click()
    drawer = dashboard.locator("#job")
    expect(drawer).to_contain_text("May run for")
    log = drawer.get_by_role("log", include_hidden=True)
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
