"""What the database does by itself is listed, with SQL that shows how more of it is made."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.dashboard.conftest import Visit, narrow
from tests.database import Database

CONDITION = "exists (select from pg_catalog.pg_class where relname = 'nothing_like_it')"


def test_nothing_yet_shows_how(visit: Visit, db: Database) -> None:
    page = visit("sql")
    main = page.locator("main")
    expect(main).to_contain_text("No type is run by an SQL function.")
    expect(main).to_contain_text("No table makes jobs.")
    expect(main).to_contain_text("No job waits for a condition.")
    for snippet in ("forge.register_sql_handler(", "forge.on_change(", "forge.run_when("):
        expect(page.locator("pre", has_text=snippet)).to_be_visible()


def test_functions_tables_and_conditions_are_listed(visit: Visit, db: Database) -> None:
    db.rows("create schema app")
    db.rows(
        "create function app.charge(payload jsonb) returns jsonb language sql"
        " as $$ select payload $$"
    )
    db.rows("create table app.orders (id bigint primary key, status text)")
    db.rows("select forge.register_sql_handler('charge', 'app.charge', timeout => '30 s')")
    db.rows(
        "select forge.on_change('app.orders', '{insert,update}', 'ship',"
        " when_condition => 'new.status = ''paid''', if_changed => '{status}')"
    )
    id = db.value("select forge.run_when('ship', %s, every => '1 hour')", CONDITION)
    page = visit("sql")
    handlers = page.get_by_role("table", name="Functions that run jobs")
    expect(handlers).to_contain_text("app.charge")
    expect(handlers).to_contain_text("30 s")
    expect(handlers.get_by_role("link", name="charge")).to_have_attribute("href", "#/types/charge")
    changes = page.get_by_role("table", name="Tables whose changes make jobs")
    expect(changes).to_contain_text("new.status = 'paid'")
    expect(changes).to_contain_text("insert, update, each row")
    conditions = page.get_by_role("table", name="Conditions that jobs wait for")
    expect(conditions).to_contain_text(CONDITION)
    expect(conditions).to_contain_text("every 1 h")
    expect(conditions.get_by_role("link")).to_have_attribute("href", f"#/jobs/{id}")
    expect(page.locator("pre:visible")).to_have_count(0)
    page.get_by_text("Watch a table").click()
    expect(page.locator("pre", has_text="forge.on_change(")).to_be_visible()
    narrow(page)

    db.rows("drop function app.charge(jsonb)")
    page.reload()
    expect(handlers).to_contain_text("does not exist any more")


def test_conditions_come_by_pages(visit: Visit, db: Database) -> None:
    db.rows(
        "select forge.run_when('ship', %s, every => '1 hour') from generate_series(1, 60)",
        CONDITION,
    )
    page = visit("sql")
    rows = page.get_by_role("table", name="Conditions that jobs wait for").locator("tbody tr")
    expect(rows).to_have_count(50)
    page.get_by_role("button", name="Show more").click()
    expect(rows).to_have_count(60)
    expect(page.get_by_role("button", name="Show more")).to_be_hidden()
