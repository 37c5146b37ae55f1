"""16_payload_checks: schemas and functions that hold every enqueue of a type."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest
from psycopg import sql
from psycopg.types.json import Jsonb

from tests.procedures.calls import Calls

SCHEMA = {"required": ["to"], "properties": {"to": {"type": "string"}}}
GOOD: dict[str, Any] = {"to": "a@b.c"}


def many(*payloads: Any) -> Jsonb:
    return Jsonb([{"type": "email", "payload": payload} for payload in payloads])


def check(call: Calls, body: str, result: str = "text") -> str:
    """A function of the owner's, and its name."""
    call.select("create schema if not exists mine")
    call.select(
        f"create or replace function mine.check_it(payload jsonb) returns {result} "
        f"language sql as $f$ {body} $f$"
    )
    return "mine.check_it"


def test_every_way_in_is_held_to_the_schema(call: Calls) -> None:
    call.row("set_schema", type="email", schema=SCHEMA)

    assert call.enqueue("email", payload=GOOD)
    assert call.enqueue("email", payload=GOOD, tags=["x"])
    assert len(call.rows("enqueue_many", jobs=many(GOOD, GOOD))) == 2
    said = call.refusal("JQ014", "enqueue", type="email", payload={"to": 5})
    assert said.message_detail == 'type=email path=#/to rule=type: number is not "string"'
    call.refusal("JQ014", "enqueue", type="email", payload={}, tags=["x"])
    call.refusal("JQ014", "enqueue_many", jobs=many(GOOD, {"to": 5}))
    mixed = Jsonb([{"type": "email", "payload": GOOD, "unique_key": "k"}, {"type": "email"}])
    call.refusal("JQ014", "enqueue_many", jobs=mixed)
    assert call.one("select count(*) from forge.jobs") == 4
    assert call.enqueue("other", payload={"to": 5})


def test_a_schema_is_replaced_and_removed(call: Calls) -> None:
    call.row("set_schema", type="email", schema=SCHEMA)
    call.row("set_schema", type="email", schema={"minProperties": 1})
    assert call.enqueue("email", payload={"n": 1})

    row = call.row("set_schema", type="email", schema=None)

    assert (row["type"], row["schema"]) == ("email", None)
    assert call.rows("list_payload_checks") == []
    assert call.enqueue("email")


@pytest.mark.parametrize(
    ("body", "result", "said"),
    [
        ("select payload ? 'to'", "boolean", "it says no"),
        ("select null::boolean", "boolean", "it says no"),
        ("select case when not payload ? 'to' then 'to whom?' end", "text", "to whom?"),
    ],
)
def test_a_function_holds_payloads_too(call: Calls, body: str, result: str, said: str) -> None:
    name = check(call, body, result)
    row = call.row("set_check", type="email", function_name=name)
    assert row["function_name"] == name

    told = call.refusal("JQ014", "enqueue", type="email")
    assert told.message_detail == f"type=email path=# rule={name}: {said}"
    if "null::" not in body:
        assert call.enqueue("email", payload=GOOD)
    call.row("set_check", type="email", function_name=None)
    assert call.enqueue("email")


def test_a_schema_comes_before_a_function_and_each_stays_when_the_other_goes(call: Calls) -> None:
    name = check(call, "select 'never'")
    call.row("set_schema", type="email", schema=SCHEMA)
    row = call.row("set_check", type="email", function_name=name)
    assert (row["schema"], row["function_name"]) == (SCHEMA, name)

    assert "rule=required" in (call.refusal("JQ014", "enqueue", type="email").message_detail or "")
    row = call.row("set_schema", type="email", schema=None)
    assert (row["schema"], row["function_name"]) == (None, name)


def test_a_function_that_was_dropped_refuses_everything(call: Calls) -> None:
    call.row("set_check", type="email", function_name=check(call, "select null"))
    call.select("drop function mine.check_it(jsonb)")
    said = call.refusal("JQ014", "enqueue", type="email", payload=GOOD)
    assert "no such function any more" in (said.message_detail or "")


@pytest.mark.parametrize(
    "name",
    ["mine.nothing", "nothing(", 'a"b', "", "forge.enqueue_many", "pg_catalog.abs", "; drop"],
)
def test_what_is_no_check_is_refused(call: Calls, name: str) -> None:
    call.refusal("JQ001", "set_check", type="email", function_name=name)


@pytest.mark.parametrize("result", ["setof text", "integer"])
def test_a_function_that_returns_something_else_is_refused(call: Calls, result: str) -> None:
    name = check(call, "select null::" + result.removeprefix("setof "), result)
    call.refusal("JQ001", "set_check", type="email", function_name=name)


def test_a_function_of_somebody_elses_is_refused_and_stops_working(call: Calls) -> None:
    """Its owner could put anything into it, which would then run with the rights of Forge's."""
    name = check(call, "select null")
    call.select("create role forge_test_stranger nologin")
    call.select("grant create on schema mine to forge_test_stranger")
    call.row("set_check", type="email", function_name=name)
    assert call.enqueue("email")

    call.select("alter function mine.check_it(jsonb) owner to forge_test_stranger")

    call.refusal("JQ014", "enqueue", type="email")
    call.refusal("JQ001", "set_check", type="other", function_name=name)


@pytest.mark.parametrize("role", ["forge_operator", "forge_producer", "forge_worker"])
def test_no_role_may_name_a_function(call: Calls, role: str) -> None:
    call.select(sql.SQL("set local role {}").format(sql.Identifier(role)).as_string(None))
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        call.rows("set_check", type="email", function_name=None)
