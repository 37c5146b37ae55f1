"""`forge run`, `forge sql-handlers` and `forge changes`."""

from __future__ import annotations

import pytest

from tests.cli.conftest import Forge
from tests.database import Database


@pytest.fixture
def function(db: Database) -> str:
    db.rows(
        "create function public.double(payload jsonb) returns jsonb language sql as "
        "$$ select to_jsonb(2 * (payload ->> 'n')::int) $$"
    )
    return "public.double"


def test_register_list_run_and_unregister(forge: Forge, db: Database, function: str) -> None:
    options = ("--timeout", 5, "--queue", "q", "--run-as", "forge")
    row = forge("sql-handlers", "register", "double", function, *options, "--json").json
    assert (row["function"], row["timeout"], row["queue"]) == (function, "PT5S", "q")
    assert function in forge("sql-handlers").out
    assert forge("sql-handlers", "list", "--json").json == [row]

    db.rows("""select forge.enqueue('double', '{"n": 4}', queue => 'q')""")
    db.rows("""select forge.enqueue('double', '{"n": "x"}', queue => 'q')""")
    limits = ("--max-jobs", 5, "--time-limit", 60, "--type", "double")
    done, failed = forge("run", "--queue", "q", *limits, "--json").json
    assert (done["status"], done["result"]) == ("COMPLETED", 8)
    assert (failed["status"], failed["error_type"]) == ("PENDING", "22P02")
    assert "status" in forge("run").out

    assert forge("sql-handlers", "unregister", "double", "--json").json["unregistered"] is True
    assert "anyway" in forge("sql-handlers", "unregister", "double").out
    assert forge("sql-handlers", "register", "double", "nothing").code == 1


def test_changes_begin_and_end(forge: Forge, db: Database) -> None:
    db.rows("create table public.orders (id int, secret text)")
    row = forge(
        *("changes", "on", "public.orders", "seen", "--event", "insert", "--without", "secret"),
        *("--when", "new.id > 1", "--name", "mine", "--queue", "q", "--priority", 2, "--json"),
    ).json
    assert (row["name"], row["events"], row["without"]) == ("mine", ["insert"], ["secret"])
    assert "mine" in forge("changes").out
    assert forge("changes", "list", "--json").json == [row]

    db.rows("insert into public.orders values (1, 's'), (2, 's')")
    (job,) = db.rows("select queue, priority, payload from forge.jobs")
    assert (job["queue"], job["priority"], job["payload"]["new"]) == ("q", 2, {"id": 2})

    assert forge("changes", "off").code == 2
    assert forge("changes", "off", "mine", "--json").json == {"triggers": 1}
    assert "0 triggers" in forge("changes", "off", "--table", "public.orders").out
