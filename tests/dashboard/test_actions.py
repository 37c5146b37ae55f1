"""What a person does on the page reaches the database, and a refusal is said in words."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from tests.dashboard.jobs import enqueue
from tests.database import Database


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
