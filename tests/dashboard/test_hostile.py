"""Payloads, names and errors are hostile text. They are shown as text, and nothing of them runs."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from tests.dashboard.jobs import die, enqueue
from tests.database import Database

SCRIPT = "<script>alert(1)</script><img src=x onerror=alert(2)>"
LINK = "javascript:alert(3)"
REVERSED = "invoice\u202efdp.exe"


def test_hostile_text_is_shown_and_does_nothing(dashboard: Page, db: Database) -> None:
    id = die(
        db,
        SCRIPT,
        queue=LINK,
        error=f"</pre>{SCRIPT} {REVERSED}",
        payload={SCRIPT: SCRIPT, "link": LINK, "name": REVERSED, "__proto__": {"polluted": 1}},
    )
    card = dashboard.locator(f'#dead-rows [data-key="{id}"]')
    expect(card).to_contain_text(SCRIPT)
    expect(card).to_contain_text("invoice\\u202efdp.exe")
    expect(dashboard.locator("#queue-rows")).to_contain_text(LINK)

    card.get_by_role("link").click()
    drawer = dashboard.locator("#job")
    expect(drawer.locator("pre").first).to_contain_text(SCRIPT)
    expect(drawer.locator("pre").first).to_contain_text("invoice\\u202efdp.exe")
    expect(drawer.locator("pre").first).to_contain_text("__proto__")

    assert "\u202e" not in dashboard.evaluate("document.body.textContent")
    assert dashboard.evaluate("document.querySelectorAll('main script, main img').length") == 0
    assert dashboard.evaluate("document.querySelectorAll('a[href^=javascript]').length") == 0
    assert dashboard.evaluate("({}).polluted === undefined")


def test_a_megabyte_is_cut_until_it_is_asked_for(dashboard: Page, db: Database) -> None:
    id = enqueue(db, payload={"text": "A" * 1_000_000})
    dashboard.locator(f'#job-rows [data-key="{id}"]').click()
    drawer = dashboard.locator("#job")
    expect(drawer).to_contain_text("976.6 KB")
    assert dashboard.evaluate("document.querySelector('#job pre').textContent.length") < 21_000
    drawer.get_by_role("button", name="Show all").click()
    dashboard.wait_for_function(
        "() => document.querySelector('#job pre').textContent.length > 1_000_000"
    )
    dashboard.keyboard.press("Escape")
    expect(drawer).to_be_hidden()
