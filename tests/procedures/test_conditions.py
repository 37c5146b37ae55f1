"""66_conditions: a job that becomes due when SQL says so, looked at as the one who asked."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import psycopg
import pytest
from psycopg import sql

from tests.database import Clock, Conn
from tests.procedures.calls import Calls

HOLDS = "exists (select from public.orders where paid)"


@pytest.fixture
def orders(call: Calls) -> Calls:
    call.select("create table public.orders (paid boolean)")
    return call


@pytest.fixture
def app(tx: Conn) -> Iterator[str]:
    """A role that may enqueue, and nothing else."""
    tx.execute("create role forge_test_app nologin in role forge_producer")
    yield "forge_test_app"
    tx.execute("reset role")


def wait_for(call: Calls, condition: str = HOLDS, **arguments: object) -> int:
    found: int = call.value("run_when", type="t", condition=condition, **arguments)
    return found


def conditions(call: Calls) -> list[str | None]:
    return [row["error"] for row in call.rows("list_conditions")]


def test_a_job_waits_until_its_condition_holds(orders: Calls, noon: Clock) -> None:
    job_id = wait_for(orders, payload={"a": 1}, queue="q", options={"priority": 3})
    assert orders.status(job_id) == "WAITING"
    assert orders.tick()["conditions"] == 1
    assert orders.status(job_id) == "WAITING"

    orders.select("insert into public.orders values (true)")
    noon.advance(seconds=29)
    assert "conditions" not in orders.tick()
    noon.advance(seconds=1)
    assert orders.tick()["conditions_met"] == 1

    job = orders.job(job_id)
    assert (job["status"], job["scheduled_at"], job["priority"]) == ("PENDING", noon.now, 3)
    assert orders.claim(queue="q")["payload"] == {"a": 1}
    assert conditions(orders) == []


def test_it_is_looked_at_in_its_own_interval(orders: Calls, noon: Clock) -> None:
    wait_for(orders, every="10 minutes")
    looks = 0
    for _ in range(30):
        looks += orders.tick().get("conditions", 0)
        noon.advance(minutes=1)
    assert looks == 3
    (row,) = orders.rows("list_conditions")
    assert (row["looks"], row["every"]) == (3, timedelta(minutes=10))


def test_a_look_that_takes_long_is_repeated_later(call: Calls, noon: Clock) -> None:
    wait_for(call, "pg_sleep(0.2) is null", every="1 second")
    call.tick()
    (row,) = call.rows("list_conditions")
    assert row["due_at"] >= noon.now + timedelta(seconds=2)


@pytest.mark.parametrize(
    ("what", "status"), [("run", "PENDING"), ("cancel", "CANCELLED"), ("dead", "DEAD")]
)
def test_a_deadline_that_passes(orders: Calls, noon: Clock, what: str, status: str) -> None:
    deadline = noon.now + timedelta(seconds=70)
    job_id = wait_for(orders, deadline=deadline, on_deadline=what)
    for _ in range(3):
        assert "conditions_missed" not in orders.tick()
        noon.advance(seconds=20)
    assert orders.status(job_id) == "WAITING"
    noon.advance(seconds=10)
    assert orders.tick()["conditions_missed"] == 1

    assert orders.status(job_id) == status
    orders.tick()
    assert conditions(orders) == []
    if status == "DEAD":
        (error,) = orders.job(job_id)["errors"]
        assert error["error_type"] == "DeadlinePassed"


def test_a_condition_that_holds_at_its_deadline_is_met(orders: Calls, noon: Clock) -> None:
    job_id = wait_for(orders, deadline=noon.now + timedelta(minutes=1), on_deadline="cancel")
    orders.select("insert into public.orders values (true)")
    noon.advance(hours=1)
    orders.tick()
    assert orders.status(job_id) == "PENDING"


def test_an_error_is_kept_and_stops_nobody_else(orders: Calls, noon: Clock) -> None:
    broken = wait_for(orders, "1 / (select count(*) from public.orders) > 0")
    fine = wait_for(orders, "true")
    orders.tick()
    assert (orders.status(broken), orders.status(fine)) == ("WAITING", "PENDING")
    assert conditions(orders) == ["division by zero"]
    reason = orders.rows("explain", id=broken)[0]
    assert reason["code"] == "condition_error"
    assert reason["sentence"].endswith("the last look failed: division by zero")

    orders.select("insert into public.orders values (true)")
    noon.advance(minutes=1)
    orders.tick()
    assert orders.status(broken) == "PENDING"


def test_explain_tells_the_condition_and_when_it_was_looked_at(orders: Calls, noon: Clock) -> None:
    job_id = wait_for(orders)
    first = orders.rows("explain", id=job_id)[0]
    assert first["code"] == "condition"
    assert first["sentence"].endswith("the next tick looks for the first time")
    orders.tick()
    second = orders.rows("explain", id=job_id)[0]
    assert HOLDS in second["sentence"]
    assert second["sentence"].endswith(f"at {noon.now:%Y-%m-%d %H:%M:%S}+00 it did not")
    assert (second["detail"]["looks"], second["detail"]["asker"]) == (1, "forge")


def test_without_a_timeout_nothing_is_looked_at(orders: Calls, noon: Clock) -> None:
    job_id = wait_for(orders, "true")
    late = wait_for(orders, "true", deadline=noon.now + timedelta(seconds=1), on_deadline="cancel")
    orders.select("set local statement_timeout = 0")
    assert orders.tick()["conditions_unguarded"] == 2
    noon.advance(minutes=2)
    done = orders.tick()
    assert (done["conditions_unguarded"], done["conditions_missed"]) == (2, 1)
    assert (orders.status(job_id), orders.status(late)) == ("WAITING", "CANCELLED")
    assert "only under a statement_timeout" in orders.rows("explain", id=job_id)[0]["sentence"]


def test_a_look_that_the_timeout_ends_is_an_error_and_the_tick_goes_on(
    call: Calls, noon: Clock
) -> None:
    call.tick()  # has made partitions, which may take longer than the timeout to come
    job_id = wait_for(call, "pg_sleep(60) is null")
    call.select("set local statement_timeout = '500ms'")
    assert call.tick()["conditions"] == 1
    assert conditions(call) == ["canceling statement due to statement timeout"]
    assert call.status(job_id) == "WAITING"


@pytest.mark.parametrize(
    "condition",
    [
        "(with gone as (delete from public.orders returning 1) select count(*) from gone) = 0",
        "nextval('forge.job_id_seq') > 0",
        "forge.enqueue('more') > 0",
    ],
)
def test_a_condition_changes_nothing(orders: Calls, condition: str) -> None:
    orders.select("insert into public.orders values (true)")
    before = orders.one("select count(*) from forge.jobs")
    try:
        job_id = wait_for(orders, condition)
    except psycopg.Error:
        return  # not even an expression
    orders.tick()
    assert orders.status(job_id) == "WAITING"
    assert "read-only" in (conditions(orders)[0] or "")
    assert orders.one("select count(*) from public.orders") == 1
    assert orders.one("select count(*) from forge.jobs") == before + 1


def test_what_a_condition_sets_is_undone(orders: Calls) -> None:
    wait_for(orders, "set_config('search_path', 'evil', false) = '' "
                     "and set_config('transaction_read_only', 'off', false) = ''")  # fmt: skip
    path = orders.one("select current_setting('search_path')")
    orders.tick()
    assert orders.one("select current_setting('search_path')") == path
    assert orders.one("select current_setting('transaction_read_only')") == "off"
    assert orders.select("select proname from pg_proc where proname ~ '^_asked'") == []


@pytest.mark.parametrize(
    ("condition", "says"),
    [
        ("1", "argument of WHERE must be type boolean, not type integer"),
        ("nonsense(", "syntax error"),
        ("exists (select from public.nowhere)", 'relation "public.nowhere" does not exist'),
        ("true) union select (false", None),
        ("true -- and a comment", None),
    ],
)
def test_a_condition_is_checked_when_it_is_asked_for(
    call: Calls, condition: str, says: str | None
) -> None:
    if says is None:
        wait_for(call, condition)
        return
    diag = call.refusal("JQ001", "run_when", type="t", condition=condition)
    assert diag.message_primary == "condition is not valid"
    assert (diag.message_hint or "").startswith("the database says: ")
    assert says in (diag.message_hint or "")


@pytest.mark.parametrize(
    ("arguments", "argument"),
    [
        ({"condition": ""}, "condition"),
        ({"condition": "x" * 10_001}, "condition"),
        ({"every": "0.5 seconds"}, "every"),
        ({"every": "2 days"}, "every"),
        ({"deadline": "2000-01-01"}, "deadline"),
        ({"deadline": "infinity"}, "deadline"),
        ({"on_deadline": "explode"}, "on_deadline"),
        ({"options": '{"color": 1}'}, "options"),
        ({"asker": None}, "asker"),
        ({"search_path": None}, "search_path"),
        ({"type": ""}, "type"),
    ],
    ids=repr,
)
def test_what_cannot_be_waited_for_is_refused(
    call: Calls, arguments: dict[str, object], argument: str
) -> None:
    diag = call.refusal("JQ001", "run_when", **{"type": "t", "condition": "true", **arguments})
    assert diag.message_primary == f"{argument} is not valid"


def test_names_are_looked_up_where_the_caller_does(orders: Calls) -> None:
    orders.select("create schema shop; create table shop.orders (paid boolean)")
    orders.select("insert into shop.orders values (true)")
    condition = "exists (select from orders where paid)"
    public = wait_for(orders, condition)
    orders.select("set local search_path = shop")
    shop = wait_for(orders, condition)
    orders.select("set local search_path = nowhere")
    orders.tick()
    assert (orders.status(public), orders.status(shop)) == ("WAITING", "PENDING")


def test_a_job_waits_for_its_condition_and_its_parents(orders: Calls, noon: Clock) -> None:
    parent = orders.enqueue()
    both = wait_for(orders, "true", options={"depends_on": [parent]})
    orders.tick()
    assert orders.status(both) == "WAITING"
    orders.complete(orders.claim())
    assert orders.status(both) == "PENDING"

    other = wait_for(orders, options={"depends_on": [parent]})
    assert orders.status(other) == "WAITING"


def test_a_taken_key_adds_no_condition(call: Calls) -> None:
    holder = call.enqueue("t", unique_key="k")
    assert wait_for(call, "true", options={"unique_key": "k"}) == holder
    assert call.rows("list_conditions") == []


def test_a_cancelled_job_takes_its_condition_along(orders: Calls) -> None:
    job_id = wait_for(orders)
    orders.rows("cancel", id=job_id)
    orders.tick()
    assert orders.rows("list_conditions") == []
    assert orders.select("select from forge.open_dependencies") == []


def test_a_session_keeps_little_of_what_it_has_looked_at(call: Calls, noon: Clock) -> None:
    """It kept 57 kB of each look, until a worker that ticks for days had used up the memory."""

    def look(times: int) -> int:
        for _ in range(times):
            call.select("select forge._look('forge', 'true', 'public', false)")
        used = call.one("select sum(used_bytes) from pg_backend_memory_contexts")
        return int(str(used))

    before = look(20)
    assert look(50) - before < 50 * 20_000


def test_conditions_are_listed_page_by_page(orders: Calls) -> None:
    ids = [wait_for(orders) for _ in range(3)]
    rows = orders.rows("list_conditions", max_rows=2)
    assert [row["id"] for row in rows] == ids[:2]
    assert [row["id"] for row in orders.rows("list_conditions", after=ids[1])] == ids[2:]
    orders.refusal("JQ001", "list_conditions", max_rows=0)


def as_role(call: Calls, role: str) -> None:
    call.connection.execute(sql.SQL("set local role {}").format(sql.Identifier(role)))


def test_an_asker_cannot_ask_about_what_he_may_not_read(orders: Calls, app: str) -> None:
    as_role(orders, app)
    diag = orders.refusal("JQ001", "run_when", type="t", condition=HOLDS)
    assert diag.message_hint == "the database says: permission denied for table orders"
    diag = orders.refusal(
        "JQ001", "run_when", type="t", condition="exists (select from forge.jobs)"
    )
    assert diag.message_hint == "the database says: permission denied for table jobs"


def test_an_asker_loses_the_answer_with_the_right(orders: Calls, app: str, noon: Clock) -> None:
    orders.select("insert into public.orders values (true)")
    orders.select(f"grant select on public.orders to {app}")
    as_role(orders, app)
    kept = wait_for(orders, f"current_user = '{app}' and {HOLDS}")
    lost = wait_for(orders, f"{HOLDS} and localtime is not null")
    orders.select("reset role")
    orders.tick()
    assert {orders.status(kept), orders.status(lost)} == {"PENDING"}

    as_role(orders, app)
    lost = wait_for(orders)
    orders.select("reset role")
    orders.select(f"revoke select on public.orders from {app}")
    orders.tick()
    assert orders.status(lost) == "WAITING"
    assert conditions(orders) == ["permission denied for table orders"]


def test_a_function_is_looked_at_with_the_rights_of_the_asker_too(orders: Calls, app: str) -> None:
    """Rights are asked for inside the function, when it is called."""
    orders.select("""
        create function public.peek() returns boolean language plpgsql as
        $$ begin return exists (select from public.orders); end $$
    """)
    as_role(orders, app)
    wait_for(orders, "public.peek() or session_user is null")
    orders.select("reset role")
    orders.tick()
    assert conditions(orders) == ["permission denied for table orders"]


def test_nobody_asks_in_the_name_of_another(orders: Calls, app: str) -> None:
    """Nor does a function of his that a mightier role is made to call."""
    orders.select(f"create schema trap authorization {app}")
    as_role(orders, app)
    orders.refusal("23514", "run_when", type="t", condition=HOLDS, asker="forge")
    orders.select(f"""
        create function trap.spring() returns bigint language plpgsql security definer as
        $$ begin return forge.run_when('t', $c$ {HOLDS} $c$); end $$;
        create function trap.pretend() returns bigint language plpgsql security definer as
        $$ begin return forge.run_when('t', $c$ {HOLDS} $c$, asker => 'forge'); end $$
    """)
    orders.select("reset role")
    for trap, code in (("spring", "JQ001"), ("pretend", "23514")):
        with pytest.raises(psycopg.Error) as refused, orders.connection.transaction():
            orders.select(f"select trap.{trap}()")
        assert refused.value.sqlstate == code


def test_an_asker_that_the_owner_may_not_become_is_refused(tx: Conn, call: Calls, app: str) -> None:
    """As on a managed service, where the owner of the schema is no superuser."""
    tx.execute("create role forge_test_owner nologin")
    tx.execute("alter function forge.run_when owner to forge_test_owner")
    tx.execute("grant all on all tables in schema forge to forge_test_owner")
    tx.execute("grant all on all functions in schema forge to forge_test_owner")
    tx.execute("grant all on schema forge to forge_test_owner")
    as_role(call, app)
    diag = call.refusal("JQ001", "run_when", type="t", condition="true")
    assert diag.message_primary == "asker is not valid"
    assert diag.message_hint == (
        "the owner of the schema forge may not act for this role: "
        "grant forge_test_app to forge_test_owner"
    )


def test_an_owner_who_is_no_superuser_acts_for_its_members(tx: Conn, call: Calls, app: str) -> None:
    tx.execute("create role forge_test_owner nologin")
    tx.execute(f"grant {app} to forge_test_owner")
    tx.execute("alter schema forge owner to forge_test_owner")
    tx.execute("grant all on all tables in schema forge to forge_test_owner")
    tx.execute("grant all on all sequences in schema forge to forge_test_owner")
    tx.execute("grant all on schema forge_test to forge_test_owner")
    tx.execute("grant all on all tables in schema forge_test to forge_test_owner")
    for name in ("run_when", "tick"):
        tx.execute(f"alter function forge.{name} owner to forge_test_owner")
    tx.execute("grant all on all functions in schema forge to forge_test_owner")
    tx.execute(f"grant execute on function forge.run_when to {app}")
    as_role(call, app)
    call.select("create temp table mine ()")
    job_id = wait_for(call, f"current_user = '{app}'")
    tx.execute("reset role")
    row = call.select("select * from forge.tick()")
    assert {r["task"]: r["count"] for r in row}["conditions_met"] == 1, conditions(call)
    assert call.status(job_id) == "PENDING"
    assert not call.one("select has_schema_privilege(%s, 'forge', 'create')", app)
