"""SQL handlers and changes that make jobs, listed."""

from __future__ import annotations

from tests.api.conftest import Client
from tests.database import Database
from tests.procedures.calls import Calls
from tests.procedures.sql_handlers import handler


def test_sql_handlers_are_listed(api: Client, db: Database) -> None:
    assert api.get("/sql-handlers").json() == {"items": []}
    handler(Calls(db.connect()), "return null;", timeout="90 s", queue="q")

    (row,) = api.get("/sql-handlers").json()["items"]

    assert (row["type"], row["function"], row["run_as"]) == ("sql", "public.handler", "forge")
    assert (row["timeout_seconds"], row["queue"], row["problem"]) == (90.0, "q", None)


def test_changes_are_listed(api: Client, db: Database) -> None:
    assert api.get("/changes").json() == {"items": []}
    db.rows("create table public.orders (id int)")
    db.rows(
        "select forge.on_change('public.orders', '{insert}', 'seen', "
        "key => 'new.id::text', options => '{\"max_retries\": 1}')"
    )

    (row,) = api.get("/changes").json()["items"]

    assert (row["relation"], row["events"], row["type"]) == ("public.orders", ["insert"], "seen")
    assert (row["debounce_seconds"], row["options"]) == (None, {"max_retries": 1})
