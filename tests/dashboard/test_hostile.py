"""Payloads, names and errors are hostile text. They are shown as text, and nothing of them runs."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.dashboard.conftest import Visit
from tests.dashboard.jobs import claim, die, enqueue
from tests.database import Database

SCRIPT = "<script>alert(1)</script><img src=x onerror=alert(2)>"
LINK = "javascript:alert(3)"
REVERSED = "invoice\u202efdp.exe"


def test_hostile_text_is_shown_and_does_nothing(visit: Visit, db: Database) -> None:
    id = die(
        db,
        SCRIPT,
        queue=LINK,
        tags=[LINK, "a\u202eb"],
        error=f"</pre>{SCRIPT} {REVERSED}",
        payload={SCRIPT: SCRIPT, "link": LINK, "n\u202eame": REVERSED, "__proto__": {"p": 1}},
    )
    page = visit("jobs")
    row = page.locator(f'#jobs [data-key="{id}"]')
    expect(row).to_contain_text(SCRIPT)
    expect(row).to_contain_text("invoice\\u202efdp.exe")
    expect(row).to_contain_text(LINK)

    row.get_by_role("link").click()
    expect(page.locator("#why")).to_contain_text("invoice\\u202efdp.exe")
    tree = page.get_by_role("tree", name="Payload")
    expect(tree).to_contain_text(SCRIPT)
    expect(tree).to_contain_text("invoice\\u202efdp.exe")
    expect(tree).to_contain_text("__proto__")
    tree.get_by_text("n\\u202eame").hover()
    expect(page.locator(".tree-path")).to_have_text('$["n\\u202eame"]')

    assert "\u202e" not in page.evaluate("document.body.textContent")
    assert page.evaluate("document.querySelectorAll('main script, main img').length") == 0
    assert page.evaluate("document.querySelectorAll('a[href^=javascript]').length") == 0
    assert page.evaluate("({}).p === undefined")

    page.locator("#facts .tag").first.click()
    expect(page.locator('#filter [name="tag"]')).to_have_value(LINK)


def test_a_filter_from_a_link_is_only_text(visit: Visit, db: Database) -> None:
    enqueue(db)
    page = visit('jobs?type=<script>alert(1)</script>&payload={"__proto__":{"p":1}}&rows=1e9')
    expect(page.locator("#jobs .empty")).to_contain_text("No job matches")
    assert page.evaluate("({}).p === undefined")


def test_a_megabyte_is_cut_until_it_is_asked_for(visit: Visit, db: Database) -> None:
    id = enqueue(db, payload={"text": "A" * 1_000_000})
    page = visit(f"jobs/{id}")
    expect(page.locator(".documents")).to_contain_text("976.6 KB")
    length = "document.querySelector('.tree').textContent.length"
    assert page.evaluate(length) < 21_000
    page.get_by_role("button", name="Show all").click()
    page.wait_for_function(f"() => {length} > 1_000_000")


def test_a_log_is_only_text(visit: Visit, db: Database) -> None:
    id = enqueue(db)
    job = claim(db)
    db.rows("select forge.log(%s, %s, %s)", id, job["lease"], f"{SCRIPT} {REVERSED}")
    page = visit(f"jobs/{id}")
    expect(page.get_by_role("log")).to_contain_text(SCRIPT)
    expect(page.get_by_role("log")).to_contain_text("invoice\\u202efdp.exe")
