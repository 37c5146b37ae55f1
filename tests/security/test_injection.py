"""Text that would be SQL if somewhere it were put into a statement as it is.

Every quote and bracket breaks a statement that holds it unquoted, so an injection shows as an error
of PostgreSQL's parser or as a table that is gone; an error of Forge's own (class JQ) is an answer.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import psycopg
import pytest
from psycopg import sql
from psycopg.types.json import Jsonb

from tests.api.conftest import Client
from tests.catalog.functions import functions
from tests.database import Conn, Database
from tests.procedures.calls import Calls

GONE = "drop table public.canary"
HOSTILE = (
    f"'); {GONE}; --",
    f'"; {GONE}; --',
    f"$$; {GONE}; select $$",
    f"\\'; {GONE}; --",
    "%s %I %L %1$I",
    "$1 || $2",
    "☃'\u2028\"\u202e",
)
# What a call needs besides; by the type of the parameter.
PLAIN: dict[str, Any] = {
    "text": "plain",
    "name": "plain",
    "bigint": 1,
    "integer": 1,
    "double precision": 1,
    "boolean": False,
    "jsonb": Jsonb({}),
    "uuid": "00000000-0000-4000-8000-000000000000",
    "interval": "1 minute",
    "timestamp with time zone": "2031-01-01T00:00:00Z",
    "regclass": "public.canary",
    "text[]": ["plain"],
    "bigint[]": [1],
    "uuid[]": ["00000000-0000-4000-8000-000000000000"],
    "jsonb[]": [Jsonb({})],
    "bytea": b"plain",
}
PARAMETERS = """
select p.proname as function, a.name, a.type::regtype::text as type,
    a.number > p.pronargs - p.pronargdefaults as optional
from pg_proc as p
cross join unnest(p.proargnames, p.proargtypes::oid[]) with ordinality as a (name, type, number)
where p.pronamespace = 'forge'::regnamespace and p.proname not like '\\_%'
    and a.number <= p.pronargs
order by p.proname, a.number
"""
# Without these a call ends before its names get anywhere.
FURTHER: dict[str, dict[str, Any]] = {
    "set_admission": {"max_depth": 5},
    "set_check": {"function_name": "pg_catalog.jsonb_typeof"},
    "set_limits": {"max_running": 5},
    "set_schema": {"schema": Jsonb({"type": "object"})},
    "on_change": {"type": "plain"},
}
# Its words are SQL, to be run with the rights of who calls: tested in test_producer.
SQL_BY_DESIGN = {("run_when", "condition")}


@pytest.fixture(autouse=True)
def _canary(request: pytest.FixtureRequest) -> Iterator[None]:
    """A table that is still there at the end."""
    if "tx" not in request.fixturenames:
        yield
        return
    tx: Conn = request.getfixturevalue("tx")
    tx.execute("create table public.canary (a integer)")
    yield
    tx.execute("select from public.canary")


def hostile_values(type: str, text: str) -> list[object]:
    """A text where a parameter of this type can hold one."""
    document = {
        "type": text, "queue": text, "payload": {text: text}, "unique_key": text, "tags": [text],
        "concurrency_key": text, "error": text, "handle": text, "depends_on": [text],
    }  # fmt: skip
    values: dict[str, list[object]] = {
        "text": [text],
        "name": [text],
        "text[]": [[text], [text, text]],
        "jsonb": [Jsonb({text: text}), Jsonb([text]), Jsonb(document), Jsonb([document])],
        "jsonb[]": [[Jsonb({text: text})]],
        "bytea": [text.encode()],
    }
    return values.get(type, [])


def refused_as_sql(tx: Conn, function: str, given: dict[str, object]) -> str | None:
    """PostgreSQL's own word on a call; None where it has none."""
    named = sql.SQL(", ").join(
        sql.SQL("{} => {}").format(sql.Identifier(name), sql.Placeholder(name)) for name in given
    )
    try:
        with tx.transaction(force_rollback=True):
            tx.execute(
                sql.SQL("select * from forge.{}({})").format(sql.Identifier(function), named), given
            )
            tx.execute("select from public.canary")
    except psycopg.Error as error:
        if not (error.sqlstate or "").startswith("JQ"):
            return f"{function}({given}): {error.sqlstate} {error}"
    return None


def test_no_text_of_any_function_is_taken_for_sql(tx: Conn) -> None:
    parameters = tx.execute(PARAMETERS).fetchall()
    assert {row["function"] for row in parameters} == {
        f.name for f in functions(tx) if f.public and f.parameters
    }
    wrong = []
    for row in parameters:
        needed = {
            other["name"]: PLAIN[other["type"]]
            for other in parameters
            if other["function"] == row["function"] and not other["optional"]
        } | FURTHER.get(row["function"], {})
        wrong += [
            refused_as_sql(tx, row["function"], {**needed, row["name"]: value})
            for text in HOSTILE
            for value in hostile_values(row["type"], text)
            if (row["function"], row["name"]) not in SQL_BY_DESIGN
        ]
    tx.execute("select pg_advisory_unlock_all()")  # of workers that were registered
    assert [problem for problem in wrong if problem] == []


@pytest.mark.parametrize("name", HOSTILE)
def test_a_name_that_was_kept_is_not_taken_for_sql_later(tx: Conn, name: str) -> None:
    """What composes statements does it from the names in its tables, long after they came in."""
    call = Calls(tx)
    call.rows("set_queue", queue=name, max_retries=0)
    call.rows("set_limits", queue=name, max_running=5)
    call.rows("set_admission", queue=name, max_depth=50)
    call.rows("set_type", type=name, timeout="1 minute")
    call.rows("set_schema", type=name, schema={"properties": {name: {"const": name}}})
    call.rows("set_retry_rules", type=name, rules=Jsonb([]))
    call.rows("schedule", name=name, cron="* * * * *", type=name, queue=name, payload={name: name})
    tx.execute("create function public.handle(jsonb) returns jsonb language sql return $1")
    call.rows("register_sql_handler", type=name, function="public.handle")
    call.rows("register_worker", worker=name, queues=[name], types=[name])
    call.rows("on_change", relation="public.canary", type=name, queue=name, name=name[:30])
    tx.execute("insert into public.canary values (1)")
    job = {"type": name, "queue": name, "payload": {name: name}, "tags": [name]}
    for key in ("first", "second", "third"):
        call.enqueue_many({**job, "unique_key": name + key, "concurrency_key": name})
    for claimed in call.rows("dequeue", queue=name, worker=name, max_jobs=2):
        held = {"id": claimed["id"], "lease": claimed["lease"]}
        call.rows("log", **held, message=name, data={name: name})
        call.rows("progress", **held, value=0.5, note=name)
        call.rows("fail", **held, error=name, error_type=name)
    call.rows("run", queue=name)
    call.rows("pause", queue=name, reason=name)
    call.tick()
    call.rows("explain", id=call.rows("list_jobs")[0]["id"])
    for reader in (
        "stats", "throughput", "latency", "overview", "warnings", "prometheus", "doctor",
        "list_jobs", "list_dead", "dead_groups", "list_queues", "list_limits", "list_admissions",
        "list_retry_rules", "list_payload_checks", "list_schedules", "list_sql_handlers",
        "list_changes", "list_workers", "list_types", "index_payloads",
    ):  # fmt: skip
        call.rows(reader)
    named = {"queue": name, "type": name, "tag": name}
    call.rows("search_jobs", **named, payload_contains={name: name})
    call.rows("search_dead", **named, payload={name: name}, error_contains=name)
    assert [row["queue"] for row in call.rows("list_queues") if row["paused_at"]] == [name]
    call.rows("retry_dead", queue=name)
    call.rows("off_change", relation="public.canary")
    call.rows("unregister_sql_handler", type=name)
    call.rows("unschedule", name=name)
    call.rows("unregister_worker", worker=name)
    call.rows("drop_queue", queue=name)
    tx.execute("select pg_advisory_unlock_all()")


@pytest.mark.parametrize(
    "cron",
    [
        f"* * * * *'; {GONE}; --",
        f"*/1'); {GONE}; -- * * * *",
        "* * * * $$",
        "%s * * * *",
        "0," * 100_000 + "0 * * * *",
        "*/" + "9" * 900 + " * * * *",
        "(a+)+$ * * * *",
        "* * * * *\n* * * * *",
        "١ * * * *",
        "@reboot",
    ],
    ids=lambda text: text[:20],
)
def test_what_is_no_cron_is_refused_at_once(tx: Conn, cron: str) -> None:
    tx.execute("set local statement_timeout = '2s'")
    call = Calls(tx)
    call.refusal("JQ001", "schedule", name="s", cron=cron, type="t")
    call.refusal("JQ001", "next_runs", cron=cron)


def test_no_part_of_a_url_is_taken_for_sql(api: Client, db: Database) -> None:
    db.rows("create table public.canary (a integer)")
    for text in HOSTILE:
        ask_with(api, text)
    db.rows("select from public.canary")


def ask_with(api: Client, text: str) -> None:
    names = ("queue", "type", "status", "tag", "payload", "payload.x", f"payload.{text}", "before")
    for path in ("/jobs", "/dlq", "/jobs/count", "/dlq/count", "/stats/history", "/workers"):
        for name in (*names, "error", "fingerprint", text):
            assert api.get(path, params={name: text}).status_code in (200, 400, 422)
    for path in ("/queues/{}", "/types/{}", "/schedules/{}", "/workers/{}", "/jobs/{}"):
        answer = api.get(path.format(quote(text, safe="")))
        assert answer.status_code in (200, 400, 404, 405, 422), answer.text
