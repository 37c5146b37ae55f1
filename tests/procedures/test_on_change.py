"""Jobs made of changed rows and statements: what they say, and when there are none."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from psycopg.types.json import Jsonb

from tests.database import Clock, Conn
from tests.procedures.calls import Calls

ORDERS = "public.orders"


@pytest.fixture
def orders(call: Calls) -> Calls:
    """A table of orders with three rows."""
    call.select("set client_min_messages = warning")
    call.select(
        f"create table {ORDERS} "
        "(id int primary key, status text, secret text default 's', note json)"
    )
    call.select(
        f"insert into {ORDERS} (id, status) select i, 'new' from generate_series(1, 3) as i"
    )
    return call


def watch(call: Calls, **options: object) -> dict[str, Any]:
    given = {"relation": ORDERS, "type": "changed", **options}
    if isinstance(given.get("options"), dict):
        given["options"] = Jsonb(given["options"])
    return dict(call.row("on_change", **given))


def payloads(call: Calls) -> list[Any]:
    """What the jobs made so far say, which are then forgotten."""
    rows = call.select("delete from forge.jobs where type = 'changed' returning id, payload")
    return [row["payload"] for row in sorted(rows, key=lambda row: row["id"])]


def pairs(call: Calls) -> list[tuple[Any, Any]]:
    """The ids before and after."""
    return [((p["old"] or {}).get("id"), (p["new"] or {}).get("id")) for p in payloads(call)]


def test_a_job_a_row_with_old_new_and_the_operation(orders: Calls) -> None:
    watch(orders)
    orders.select(f"insert into {ORDERS} values (4, 'new', 's', '[1]'), (5, 'new', null, null)")
    orders.select(f"update {ORDERS} set status = 'paid' where id = 4")
    orders.select(f"delete from {ORDERS} where id = 5")

    four = {"id": 4, "status": "new", "secret": "s", "note": [1]}
    five = {"id": 5, "status": "new", "secret": None, "note": None}
    common = {"table": "public.orders"}
    assert payloads(orders) == [
        {**common, "operation": "INSERT", "old": None, "new": four},
        {**common, "operation": "INSERT", "old": None, "new": five},
        {**common, "operation": "UPDATE", "old": four, "new": {**four, "status": "paid"}},
        {**common, "operation": "DELETE", "old": five, "new": None},
    ]


def test_jobs_are_as_the_change_says(orders: Calls) -> None:
    watch(
        orders,
        queue="q",
        priority=7,
        options={"max_retries": 3, "tags": ["t"]},
        concurrency_key="new.status",
    )
    orders.select(f"insert into {ORDERS} values (4, 'new')")

    (job,) = orders.select("select * from forge.jobs")
    assert (job["queue"], job["priority"], job["type"]) == ("q", 7, "changed")
    assert (job["max_retries"], job["tags"]) == (3, ["t"])


def test_only_events_that_were_asked_for(orders: Calls) -> None:
    watch(orders, events=["delete"])
    orders.select(f"insert into {ORDERS} values (4)")
    orders.select(f"update {ORDERS} set id = id + 10 where id = 4")
    orders.select(f"delete from {ORDERS} where id = 14")

    assert [p["operation"] for p in payloads(orders)] == ["DELETE"]


def test_a_condition_over_both_sides_holds_for_all_events(orders: Calls) -> None:
    watch(orders, when_condition="new.status is distinct from old.status -- a remark")
    orders.select(f"insert into {ORDERS} values (4, 'new'), (5, null)")
    orders.select(f"update {ORDERS} set secret = 'x'")
    orders.select(f"update {ORDERS} set status = 'paid' where id < 3")
    orders.select(f"delete from {ORDERS} where id = 5")

    assert pairs(orders) == [(None, 4), (1, 1), (2, 2)]


def test_a_statement_that_changes_no_row_makes_no_job(orders: Calls) -> None:
    for each in ("row", "statement"):
        watch(orders, each=each, name=each)
    orders.select(f"update {ORDERS} set id = 0 where false")
    orders.select(f"delete from {ORDERS} where false")
    orders.select(f"insert into {ORDERS} select * from {ORDERS} where false")

    assert payloads(orders) == []


def test_updates_count_only_where_certain_columns_changed(orders: Calls) -> None:
    watch(orders, if_changed=["status", "note"])
    orders.select(f"update {ORDERS} set secret = 'x', status = status, note = note")
    orders.select(f"update {ORDERS} set note = '{{}}' where id = 1")
    orders.select(f"update {ORDERS} set status = null where id = 2")
    orders.select(f"delete from {ORDERS} where id = 3")

    assert pairs(orders) == [(1, 1), (2, 2), (3, None)]


def test_secrets_are_left_out_of_both_sides(orders: Calls) -> None:
    for each in ("row", "statement"):
        watch(orders, without=["secret", "note"], each=each, name=each)
    orders.select(f"update {ORDERS} set secret = 'hush' where id = 1")

    row, statement = payloads(orders)
    assert row["old"] == row["new"] == {"id": 1, "status": "new"}
    assert statement["old"] == statement["new"] == [{"id": 1, "status": "new"}]


def test_rows_before_and_after_belong_together_though_their_keys_move(orders: Calls) -> None:
    watch(orders)
    orders.select(f"update {ORDERS} set id = case id when 1 then 11 when 2 then 10 else id end")
    assert sorted(pairs(orders), key=str) == [(1, 11), (2, 10), (3, 3)]
    orders.select(f"alter table {ORDERS} drop constraint orders_pkey")
    orders.select(f"update {ORDERS} set id = id - 1")

    assert all(old - 1 == new for old, new in pairs(orders))


def test_rows_that_move_to_another_partition_stay_together(orders: Calls) -> None:
    orders.select("create table public.parts (id int, n int) partition by range (id)")
    for low, high in ((0, 10), (10, 20), (20, 30)):
        orders.select(
            f"create table public.part_{low} partition of public.parts "
            f"for values from ({low}) to ({high})"
        )
    orders.select("insert into public.parts select i, 100 - i from generate_series(0, 19) as i")
    watch(orders, relation="public.parts")
    orders.select("update public.parts set id = id + 7 where id % 3 > 0")

    found = payloads(orders)
    assert len(found) == 13
    assert {p["table"] for p in found} == {"public.parts"}
    assert all(p["old"]["id"] + 7 == p["new"]["id"] for p in found)
    assert all(p["old"]["n"] == p["new"]["n"] for p in found)


def test_a_row_that_a_trigger_swallows_between_partitions_leaves_all_unpaired(
    orders: Calls,
) -> None:
    orders.select("create table public.parts (id int) partition by range (id)")
    for low, high in ((0, 10), (10, 20)):
        orders.select(
            f"create table public.part_{low} partition of public.parts "
            f"for values from ({low}) to ({high})"
        )
    orders.select("insert into public.parts values (1), (2), (3)")
    orders.select(
        "create function public.swallow() returns trigger language plpgsql as "
        "$$ begin return case when new.id <> 12 then new end; end $$"
    )
    orders.select(
        "create trigger swallow before insert on public.part_10 "
        "for each row execute function public.swallow()"
    )
    watch(orders, relation="public.parts")
    orders.select("update public.parts set id = id + 10")

    assert sorted(pairs(orders), key=str) == [
        (1, None),
        (2, None),
        (3, None),
        (None, 11),
        (None, 13),
    ]


def test_a_partition_written_directly_is_not_its_parent(orders: Calls) -> None:
    orders.select("create table public.parts (id int) partition by range (id)")
    orders.select("create table public.part partition of public.parts default")
    watch(orders, relation="public.parts")
    orders.select("insert into public.part values (1)")

    assert payloads(orders) == []


def test_copy_and_on_conflict_count_as_what_they_do(orders: Calls) -> None:
    watch(orders)
    with orders.connection.cursor().copy(f"copy {ORDERS} (id, status) from stdin") as copy:
        copy.write_row((7, "copied"))
    orders.select(
        f"insert into {ORDERS} (id, status) values (7, 'x'), (8, 'y') "
        "on conflict (id) do update set status = excluded.status"
    )

    found = [(p["operation"], p["new"]["id"], p["new"]["status"]) for p in payloads(orders)]
    assert sorted(found) == [("INSERT", 7, "copied"), ("INSERT", 8, "y"), ("UPDATE", 7, "x")]


def test_merge_counts_as_what_it_does(orders: Calls) -> None:
    if orders.connection.info.server_version < 150000:
        pytest.skip("MERGE came with PostgreSQL 15")
    watch(orders)
    orders.select(
        f"merge into {ORDERS} as o using (values (1), (2), (9)) as v (id) on o.id = v.id "
        "when matched and v.id = 1 then delete when matched then update set status = 'm' "
        "when not matched then insert (id) values (v.id)"
    )

    found = [(p["operation"], (p["new"] or p["old"])["id"]) for p in payloads(orders)]
    assert sorted(found) == [("DELETE", 1), ("INSERT", 9), ("UPDATE", 2)]


def test_a_cascade_is_a_change_too(orders: Calls) -> None:
    orders.select(f"create table public.items (id int references {ORDERS} on delete cascade)")
    orders.select("insert into public.items values (1), (1), (2)")
    watch(orders, relation="public.items")
    orders.select(f"delete from {ORDERS}")

    assert pairs(orders) == [(1, None), (1, None), (2, None)]


def test_truncate_makes_one_job_without_rows(orders: Calls) -> None:
    for each in ("row", "statement"):
        watch(
            orders, events=["truncate", "insert"], each=each, name=each, when_condition="new.id > 0"
        )
    orders.select(f"truncate {ORDERS}")

    assert payloads(orders) == [{"table": "public.orders", "operation": "TRUNCATE"}] * 2


def test_a_job_a_statement_has_the_rows_where_they_are_few(orders: Calls) -> None:
    watch(orders, each="statement", when_condition="new.id <= 102")
    orders.select(f"update {ORDERS} set status = 'paid' where id < 3")
    orders.select(f"insert into {ORDERS} (id) select i from generate_series(4, 103) as i")
    orders.select(f"insert into {ORDERS} (id) select -i from generate_series(1, 101) as i")

    few, hundred, many = payloads(orders)
    assert (few["rows"], [r["id"] for r in few["old"]]) == (2, [1, 2])
    assert {r["status"] for r in few["new"]} == {"paid"}
    assert (hundred["rows"], len(hundred["new"]), hundred["old"]) == (99, 99, None)
    assert many == {
        "table": "public.orders",
        "operation": "INSERT",
        "rows": 101,
        "left_out": ["old", "new"],
    }


def test_more_rows_than_one_call_of_enqueue_many_takes(orders: Calls) -> None:
    watch(orders)
    orders.select(f"insert into {ORDERS} (id) select i from generate_series(4, 25003) as i")

    ids = [p["new"]["id"] for p in payloads(orders)]
    assert ids == list(range(4, 25004))


def test_a_key_makes_one_job_of_many_changes(orders: Calls) -> None:
    watch(orders, key="coalesce(new.status, old.status)")
    orders.select(f"insert into {ORDERS} values (4, 'a'), (5, 'b'), (6, 'a'), (7, ''), (8, null)")
    orders.select(f"update {ORDERS} set secret = 'x' where id = 4")

    found = orders.select("select unique_key, payload from forge.jobs order by unique_key, id")
    assert [(r["unique_key"], r["payload"]["new"]["id"]) for r in found] == [
        ("a", 4),
        ("b", 5),
        (None, 7),
        (None, 8),
    ]


def test_changes_of_a_key_are_debounced(orders: Calls) -> None:
    row = watch(orders, key="new.status", debounce="30 s", options={"debounce_max": "5 min"})
    orders.select(f"update {ORDERS} set secret = 'x'")
    orders.select(f"update {ORDERS} set secret = 'y'")

    assert str(row["debounce"]) == "0:00:30"
    assert row["options"] == {"debounce_max": "5 min"}
    assert [r["unique_key"] for r in orders.select("select unique_key from forge.jobs")] == ["new"]


def test_a_key_that_is_too_long_is_told_apart_by_its_digest(orders: Calls) -> None:
    watch(orders, key="new.secret")
    long = "k" * 600
    orders.select(f"insert into {ORDERS} values (4, null, '{long}'), (5, null, '{long}')")

    (key,) = orders.select("select unique_key from forge.jobs")
    assert len(key["unique_key"]) == 32


def test_the_key_of_a_statement_is_an_expression_of_its_own(orders: Calls) -> None:
    watch(orders, each="statement", key="'orders'", events=["update", "truncate"])
    orders.select(f"update {ORDERS} set status = 'a'")
    orders.select(f"truncate {ORDERS}")

    (job,) = orders.select("select unique_key, payload from forge.jobs")
    assert (job["unique_key"], job["payload"]["operation"]) == ("orders", "UPDATE")


def test_a_row_over_the_limit_leaves_its_largest_columns_out(orders: Calls) -> None:
    orders.select("update forge.settings set payload_limit = 2000")
    orders.select(f"alter table {ORDERS} add a text, add b text")
    watch(orders)
    orders.select(
        f"insert into {ORDERS} (id, a, b, secret) values "
        "(4, repeat('a', 1500), repeat('b', 1400), 'kept'), (5, repeat('a', 5000), null, 'kept')"
    )
    orders.select(f"update {ORDERS} set status = 'paid' where id = 4")

    first, second, update = payloads(orders)
    assert first["left_out"] == ["a"]
    assert (len(first["new"]["b"]), first["new"]["secret"]) == (1400, "kept")
    assert "a" not in first["new"]
    assert (second["left_out"], second["new"]["b"]) == (["a"], None)
    assert update["left_out"] == ["a", "b"]
    assert update["new"]["status"] == "paid"


def test_a_statement_over_the_limit_leaves_its_rows_out(orders: Calls) -> None:
    orders.select("update forge.settings set payload_limit = 2000")
    watch(orders, each="statement")
    orders.select(f"update {ORDERS} set secret = repeat('x', 3000)")

    (payload,) = payloads(orders)
    assert (payload["rows"], payload["left_out"]) == (3, ["old", "new"])


def test_a_row_of_many_columns_over_the_limit_still_fits(orders: Calls) -> None:
    orders.select("update forge.settings set payload_limit = 3000")
    columns = ", ".join(f"column_with_a_long_name_{n} text default 'x'" for n in range(200))
    orders.select(f"create table public.wide (id int, {columns})")
    watch(orders, relation="public.wide")
    orders.select("insert into public.wide values (1)")

    (payload,) = payloads(orders)
    assert "left_out" in payload


def test_an_error_in_an_expression_undoes_the_write(orders: Calls) -> None:
    watch(orders, when_condition="1 / new.id > 0")

    orders.refusal_of("22012", f"insert into {ORDERS} values (0)")

    assert payloads(orders) == []


def test_or_warns_and_lets_it_be(orders: Calls) -> None:
    watch(orders, when_condition="1 / new.id > 0", on_error="warn")
    notices: list[str] = []
    orders.connection.add_notice_handler(lambda n: notices.append(str(n.message_detail)))

    orders.select(f"insert into {ORDERS} values (0)")
    orders.select(f"insert into {ORDERS} values (-1), (1000)")

    assert payloads(orders) == []
    assert orders.one(f"select count(*) from {ORDERS}") == 6
    assert notices == ["name=orders_changed table=public.orders operation=INSERT: division by zero"]


def test_a_renamed_table_goes_on_under_its_new_name(orders: Calls) -> None:
    watch(orders)
    orders.select(f"alter table {ORDERS} rename to purchases")
    orders.select("insert into public.purchases values (4)")

    (payload,) = payloads(orders)
    assert payload["table"] == "public.purchases"
    assert orders.row("list_changes")["relation"] == "public.purchases"


@pytest.mark.parametrize("said", [{"without": ["secret"]}, {"if_changed": ["secret"]}])
def test_a_renamed_column_that_was_named_stops_the_writes(
    orders: Calls, said: dict[str, object]
) -> None:
    watch(orders, **said)
    orders.select(f"alter table {ORDERS} rename secret to hidden")

    orders.refusal_of("42703", f"update {ORDERS} set hidden = 'hush'")


def test_a_column_that_was_not_named_may_come_and_go(orders: Calls) -> None:
    watch(orders, if_changed=["status"])
    orders.select(f"alter table {ORDERS} drop note, add more int default 1")
    orders.select(f"update {ORDERS} set status = 'paid' where id = 1")

    (payload,) = payloads(orders)
    assert payload["new"] == {"id": 1, "status": "paid", "secret": "s", "more": 1}


def test_a_dropped_table_takes_its_changes_along(orders: Calls) -> None:
    watch(orders)
    orders.select(f"drop table {ORDERS}")

    assert orders.rows("list_changes") == []


def test_no_rest_of_the_trial_is_left(tx: Conn, orders: Calls) -> None:
    watch(orders, events=["insert", "update", "delete", "truncate"])

    assert orders.one("select to_regclass('pg_temp.forge_try')") is None
    assert payloads(orders) == []
    assert orders.one("show search_path") == '"$user", public'


def test_a_queue_that_is_full_refuses_changes_too(orders: Calls) -> None:
    orders.rows("set_admission", queue="default", max_depth=1)
    watch(orders)

    orders.refusal_of("JQ013", f"update {ORDERS} set secret = 'x'")

    assert payloads(orders) == []


def test_a_payload_that_its_type_does_not_allow_refuses_changes_too(orders: Calls) -> None:
    orders.rows("set_schema", type="changed", schema={"required": ["nothing"]})
    watch(orders)

    orders.refusal_of("JQ014", f"update {ORDERS} set secret = 'x'")


def test_a_key_that_is_left_alone_is_due(orders: Calls, noon: Clock) -> None:
    watch(orders, key="new.status", debounce="30 s")
    orders.select(f"update {ORDERS} set secret = 'x' where id = 1")
    noon.advance(seconds=10)
    orders.select(f"update {ORDERS} set secret = 'y' where id = 2")

    assert orders.one("select scheduled_at from forge.jobs") == noon.now + timedelta(seconds=30)
