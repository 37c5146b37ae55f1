"""Who may make jobs of a table's changes, with whose rights, and what is refused beforehand."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest
from psycopg import sql
from psycopg.types.json import Jsonb

from tests.procedures.calls import Calls


@pytest.fixture
def shop(call: Calls) -> Calls:
    """owner owns a table and may enqueue, clerk may only write it, thief is a producer."""
    for role in ("owner", "clerk", "thief"):
        call.select(f"create role test_{role} login")
    call.select("grant forge_producer to test_owner, test_thief")
    call.select("create schema shop authorization test_owner")
    act(call, "test_owner")
    call.select("create table shop.orders (id int primary key, status text)")
    call.select("grant usage on schema shop to public")
    call.select("grant select, insert, update, delete on shop.orders to test_clerk")
    act(call, None)
    return call


def act(call: Calls, role: str | None) -> None:
    who = sql.SQL("default") if role is None else sql.Identifier(role)
    call.connection.execute(sql.SQL("set local session authorization {}").format(who))


def watch(call: Calls, **options: Any) -> dict[str, Any]:
    given = {"relation": "shop.orders", "type": "changed", **options}
    return dict(call.row("on_change", **given))


def write(call: Calls) -> None:
    act(call, "test_clerk")
    call.select("insert into shop.orders values (1, 'new')")
    act(call, None)


def made(call: Calls) -> int:
    act(call, None)
    count: int = call.one("select count(*) from forge.jobs where type = 'changed'")
    return count


def test_who_writes_the_table_needs_no_right_on_forge(shop: Calls) -> None:
    act(shop, "test_owner")
    watch(shop)

    write(shop)

    assert made(shop) == 1
    act(shop, "test_clerk")
    for statement in (
        "select forge.enqueue('changed')",
        "select forge._enqueue_changes('{}', '{}', '{}', '{}')",
        "create temp table mine (id int); create trigger t after truncate on mine "
        "for each statement execute function forge._on_change('{}')",
    ):
        shop.refusal_of("42501", statement)


def test_who_does_not_own_the_table_can_make_no_jobs_of_it(shop: Calls) -> None:
    act(shop, "test_thief")

    said = shop.refusal("JQ001", "on_change", relation="shop.orders", type="changed")

    assert said.message_hint == "call as its owner, test_owner"


def test_who_may_not_enqueue_cannot_either_though_the_table_is_theirs(shop: Calls) -> None:
    act(shop, None)
    shop.select("revoke forge_producer from test_owner")
    act(shop, "test_owner")

    shop.refusal_of("42501", "select forge.on_change('shop.orders', type => 'changed')")


def test_only_the_owner_ends_it(shop: Calls) -> None:
    act(shop, "test_owner")
    watch(shop, name="mine")
    act(shop, "test_thief")
    shop.refusal_of("42501", "select forge.off_change('mine')")
    act(shop, "test_owner")

    assert shop.value("off_change", name="mine") == 3

    write(shop)
    assert made(shop) == 0


@pytest.mark.parametrize("argument", ["when_condition", "key", "concurrency_key"])
@pytest.mark.parametrize(
    "expression",
    [
        "(select count(*) from forge.jobs)::text = '1'",
        "(select lease from forge.dequeue()) is null",
        "(select count(*) from shop.prices)::text = '1'",
        "shop.helper(new.id)",
        "set_config('role', 'test_owner', true) = 'x'",
    ],
)
def test_an_expression_has_no_rights_and_is_refused_beforehand(
    shop: Calls, argument: str, expression: str
) -> None:
    act(shop, "test_owner")
    shop.select("create table shop.prices ()")
    shop.select("create function shop.helper(int) returns bool language sql as 'select true'")
    shop.select("revoke all on function shop.helper(int) from public")
    given = {"relation": "shop.orders", "type": "changed", argument: expression}
    if "set_config" in expression:  # looked up well enough, and refused when there is a row
        watch(shop, **{argument: expression})
        shop.refusal_of("42501", "insert into shop.orders values (1)")
        return

    said = shop.refusal("JQ001", "on_change", **given)

    assert said.message_primary == "an expression of the change cannot be worked out"
    assert shop.rows("list_changes") == []


def test_a_function_that_everybody_may_call_can_be_used(shop: Calls) -> None:
    act(shop, "test_owner")
    shop.select("create function shop.helper(int) returns bool language sql as 'select $1 = 1'")
    shop.select("set local search_path = shop, public")
    watch(shop, when_condition="helper(new.id)")
    shop.select("set local search_path = public")

    write(shop)

    assert made(shop) == 1


def test_a_temporary_object_of_the_writer_stands_in_for_nothing(shop: Calls) -> None:
    """A type of theirs in pg_temp would otherwise be found first, and run with rights."""
    act(shop, "test_owner")
    watch(shop, key="new.status::text")
    act(shop, "test_clerk")
    shop.select(
        "create function pg_temp.spy() returns bool language plpgsql as "
        "$$ begin raise exception 'I am %', current_user; end $$"
    )
    shop.select("create domain pg_temp.text as pg_catalog.text check (pg_temp.spy())")
    shop.select("insert into shop.orders values (1, 'new')")

    assert made(shop) == 1


@pytest.mark.parametrize(
    ("wrong", "what"),
    [
        ({"type": None}, "type"),
        ({"type": ""}, "type"),
        ({"queue": ""}, "queue"),
        ({"relation": "shop.seen"}, "relation"),
        ({"events": ["insert", "select"]}, "events"),
        ({"events": []}, "events"),
        ({"each": "table"}, "each"),
        ({"on_error": "ignore"}, "on_error"),
        ({"name": ""}, "name"),
        ({"name": "n" * 49}, "name"),
        ({"without": ["nothing"]}, "without"),
        ({"if_changed": ["xmin"]}, "if_changed"),
        ({"debounce": "1 s"}, "key"),
        ({"options": Jsonb([])}, "options"),
        ({"options": Jsonb({"payload": 1})}, "options"),
        ({"options": Jsonb({"nothing": 1})}, "jobs[0]"),
        ({"options": Jsonb({"max_retries": "many"})}, "options"),
        ({"options": Jsonb({"max_retries": -1})}, "max_retries"),
        ({"priority": 99999}, "priority"),
    ],
)
def test_a_change_out_of_range_is_refused(shop: Calls, wrong: dict[str, object], what: str) -> None:
    act(shop, "test_owner")
    shop.select("create view shop.seen as select * from shop.orders")

    given = {"relation": "shop.orders", "type": "changed", **wrong}
    said = shop.refusal("JQ001", "on_change", **given)

    assert said.message_primary == f"{what} is not valid"
    assert shop.rows("list_changes") == []


@pytest.mark.parametrize(
    "expression", ["new.stauts = 'x'", "true) or (", "1", "select 1; select 2"]
)
def test_an_expression_that_is_none_is_refused(shop: Calls, expression: str) -> None:
    act(shop, "test_owner")

    shop.refusal(
        "JQ001", "on_change", relation="shop.orders", type="changed", when_condition=expression
    )


def test_a_table_that_is_not_there_is_postgresqls_to_refuse(shop: Calls) -> None:
    with pytest.raises(psycopg.errors.UndefinedTable), shop.connection.transaction():
        watch(shop, relation="shop.nothing")


def test_the_same_name_replaces_and_another_adds(shop: Calls) -> None:
    watch(shop, name="one", events=["insert", "delete"])
    watch(shop, name="one", events=["insert", "update"], priority=3)
    watch(shop, name="two", events=["truncate"], each="statement")

    rows = shop.rows("list_changes")
    assert [(r["name"], r["events"], r["priority"]) for r in rows] == [
        ("one", ["insert", "update"], 3),
        ("two", ["truncate"], 0),
    ]
    write(shop)
    assert made(shop) == 1
    assert shop.value("off_change", relation="shop.orders") == 3


def test_a_name_belongs_to_one_table(shop: Calls) -> None:
    watch(shop, name="one")
    shop.select("create table shop.items (id int)")

    said = shop.refusal("JQ001", "on_change", relation="shop.items", type="changed", name="one")

    assert said.message_hint is not None
    assert "another table" in said.message_hint


def test_what_was_told_is_listed(shop: Calls) -> None:
    given: dict[str, Any] = {
        "events": ["update"],
        "when_condition": "new.id > 0",
        "key": "new.id::text",
        "queue": "q",
        "priority": 2,
        "each": "row",
        "without": ["status"],
        "if_changed": ["id", "status"],
        "on_error": "warn",
        "name": "all",
    }
    row = watch(shop, **given, options=Jsonb({"max_retries": 1}))

    assert {name: row[name] for name in given} == given
    assert (row["relation"], row["type"], row["enabled"]) == ("shop.orders", "changed", True)
    assert row["options"] == {"max_retries": 1}
    assert shop.row("list_changes") == row
    shop.select("alter table shop.orders disable trigger forge_all_update")
    assert shop.row("list_changes")["enabled"] is False


def test_odd_names_are_quoted(shop: Calls) -> None:
    shop.select('create table shop."Ödd ""table" ("a b" int, "new" text)')
    watch(shop, relation='shop."Ödd ""table"', without=["new"], if_changed=["a b"], name='o"d d')
    shop.select('insert into shop."Ödd ""table" values (1, null)')

    payload = shop.one("select payload from forge.jobs where type = 'changed'")
    assert payload["table"] == 'shop."Ödd ""table"'
    assert payload["new"] == {"a b": 1}
    assert shop.value("off_change", name='o"d d') == 3


def test_nothing_to_end_is_no_error(shop: Calls) -> None:
    assert shop.value("off_change", name="nothing") == 0
    assert shop.value("off_change") == 0


def test_it_is_refused_where_the_role_without_rights_is_missing(shop: Calls) -> None:
    shop.select("alter function forge._on_change() owner to test_owner")

    said = shop.refusal("JQ001", "on_change", relation="shop.orders", type="changed")

    assert said.message_primary == "a role that Forge needs for this is missing"
