"""With whose rights an SQL handler runs, who may make one, and what it cannot do."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest
from psycopg import sql

from tests.procedures.calls import Calls

ROLES = ("billing", "ann", "bob", "runner", "producer")


@pytest.fixture
def town(call: Calls) -> Calls:
    """billing owns a schema, a table and a function; ann is an operator and a member of it, bob is
    an operator and is not; runner may work, producer may enqueue.
    """
    for role in ROLES:
        call.select(f"create role test_{role} login")
    call.select("grant forge_operator to test_ann, test_bob")
    call.select("grant test_billing to test_ann")
    call.select("grant forge_worker to test_runner")
    call.select("grant forge_producer to test_producer")
    call.select("create schema billing authorization test_billing")
    act(call, "test_billing")
    call.select("create table billing.charges (who text)")
    charge(call)
    call.select("grant usage on schema billing to test_bob")
    act(call, None)
    return call


def charge(call: Calls, body: str = "return to_jsonb(current_user::text);") -> None:
    call.select(
        "create or replace function billing.charge(payload jsonb) returns jsonb "
        "language plpgsql as "
        f"$$ begin insert into billing.charges values (current_user); {body} end $$"
    )


def act(call: Calls, role: str | None) -> None:
    """From here on the session is of this login."""
    call.select("reset role")
    who = sql.SQL("default") if role is None else sql.Identifier(role)
    call.connection.execute(sql.SQL("set local session authorization {}").format(who))


@pytest.fixture(autouse=True)
def _as_before(call: Calls) -> Iterator[None]:
    yield
    if call.connection.info.transaction_status != psycopg.pq.TransactionStatus.INERROR:
        act(call, None)


def register(call: Calls, **options: object) -> None:
    call.row("register_sql_handler", **{"type": "charge", "function": "billing.charge", **options})


def run(call: Calls, role: str = "test_runner") -> dict[str, object]:
    """One job, enqueued by the producer and run by a role that has no right on billing."""
    act(call, "test_producer")
    call.enqueue("charge")
    act(call, role)
    row = call.row("run")
    act(call, None)
    return row


def test_it_runs_as_its_owner_whoever_registers_enqueues_and_runs(town: Calls) -> None:
    act(town, "test_ann")
    register(town)

    row = run(town)

    assert (row["status"], row["result"]) == ("COMPLETED", "test_billing")
    assert town.one("select who from billing.charges") == "test_billing"
    assert town.row("list_sql_handlers")["run_as"] == "test_billing"


def test_the_session_of_a_superuser_lends_it_nothing(town: Calls) -> None:
    act(town, "test_ann")
    register(town)
    act(town, None)
    town.enqueue("charge")

    assert town.row("run")["result"] == "test_billing"


@pytest.mark.parametrize(
    "body",
    [
        "set role none; return null;",
        "set local role test_ann; return null;",
        "set session authorization default; return null;",
        "perform set_config('role', 'test_runner', false); return null;",
        "perform forge.dequeue(); return null;",
        "perform from forge.jobs; return null;",
        "create function forge_handlers.mine() returns int language sql as ''; return null;",
    ],
)
def test_it_gets_no_other_rights(town: Calls, body: str) -> None:
    act(town, "test_billing")
    charge(town, body)
    act(town, "test_ann")
    register(town)

    row = run(town)

    assert (row["status"], row["error_type"]) == ("PENDING", "42501")
    assert town.one("select count(*) from billing.charges") == 0


def test_a_wrapper_made_to_run_as_its_caller_is_not_called(town: Calls) -> None:
    act(town, "test_ann")
    register(town)
    wrapper = "forge_handlers.charge_41a2e03f(jsonb)"
    act(town, "test_billing")
    town.refusal_of("42501", f"alter function {wrapper} security invoker")
    act(town, None)
    town.select(f"alter function {wrapper} security invoker")

    assert run(town)["error_type"] == "NoHandler"


def test_what_calls_the_wrapper_may_do_nothing_itself(town: Calls) -> None:
    """As if the wrapper had changed between the look at it and the call."""
    act(town, "test_ann")
    register(town)
    act(town, None)
    town.select("alter function forge_handlers.charge_41a2e03f(jsonb) security invoker")

    town.refusal_of("42501", "select forge._call_handler('charge_41a2e03f', '{}')")


@pytest.mark.parametrize(
    "change", ["set search_path = billing, pg_catalog", "set local search_path = billing"]
)
def test_it_cannot_leave_a_search_path_behind(town: Calls, change: str) -> None:
    act(town, "test_billing")
    charge(town, f"{change}; return null;")
    act(town, "test_ann")
    register(town)

    row = run(town)

    local = "local" in change
    assert row["status"] == ("COMPLETED" if local else "PENDING")
    assert row["error_type"] == (None if local else "JQ001")
    assert town.one("show search_path") == '"$user", public'


def test_what_it_put_off_until_the_commit_is_done_with_its_rights(town: Calls) -> None:
    act(town, "test_billing")
    town.select("create table billing.log (who text)")
    town.select(
        "create function billing.note() returns trigger language plpgsql as "
        "$$ begin insert into billing.log values (current_user); return null; end $$"
    )
    town.select(
        "create constraint trigger later after insert on billing.charges "
        "deferrable initially deferred for each row execute function billing.note()"
    )
    act(town, "test_ann")
    register(town)

    assert run(town)["status"] == "COMPLETED"

    assert town.one("select who from billing.log") == "test_billing"


def test_run_as_another_role(town: Calls) -> None:
    town.select("grant test_bob to test_ann, test_billing")
    town.select("grant insert on billing.charges to test_bob")
    act(town, "test_ann")
    register(town, run_as="test_bob")

    assert run(town)["result"] == "test_bob"


def test_a_function_that_is_a_security_definer_already_runs_as_its_owner(town: Calls) -> None:
    act(town, "test_billing")
    town.select("alter function billing.charge(jsonb) security definer set search_path = pg_temp")
    act(town, "test_bob")
    register(town, run_as="test_bob")

    assert run(town)["result"] == "test_billing"


def test_who_is_no_member_of_the_role_cannot_register_for_it(town: Calls) -> None:
    act(town, "test_bob")

    said = town.refusal("JQ001", "register_sql_handler", type="charge", function="billing.charge")

    assert said.message_primary == "run_as is not valid"
    assert said.message_hint is not None
    assert "grant test_billing to test_bob" in said.message_hint


def test_the_owner_of_a_function_gains_no_rights_by_changing_it(town: Calls) -> None:
    act(town, "test_bob")

    said = town.refusal(
        "JQ001",
        "register_sql_handler",
        type="charge",
        function="billing.charge",
        run_as="test_bob",
    )

    assert said.message_hint is not None
    assert said.message_hint.startswith("the owner of the function, test_billing, would gain")


@pytest.mark.parametrize(
    "revoked",
    [
        "revoke execute on function billing.charge(jsonb) from public",
        "revoke usage on schema billing from test_bob",
    ],
)
def test_the_role_must_be_allowed_to_call_the_function(town: Calls, revoked: str) -> None:
    town.select("grant test_bob to test_billing, test_ann")
    act(town, "test_billing")
    town.select(revoked)
    act(town, "test_ann")

    said = town.refusal(
        "JQ001",
        "register_sql_handler",
        type="charge",
        function="billing.charge",
        run_as="test_bob",
    )

    assert said.message_hint == "grant it EXECUTE on the function, and USAGE on its schema"


@pytest.mark.parametrize("role", ["test_producer", "test_runner", "test_billing"])
def test_only_operators_register(town: Calls, role: str) -> None:
    act(town, role)

    for call in (
        "select forge.register_sql_handler('charge', 'billing.charge')",
        "select forge.unregister_sql_handler('charge')",
        "select forge._open_sql_handler('charge', 'f', 1, null, 'x', null, null)",
        "select forge._keep_sql_handler('charge', 1, 'x', null, null)",
    ):
        town.refusal_of("42501", call)


def test_a_producer_runs_no_function_and_nobody_calls_a_wrapper(town: Calls) -> None:
    act(town, "test_ann")
    register(town)

    act(town, "test_producer")
    town.refusal_of("42501", "select forge.run()")
    for role in ("test_producer", "test_runner", "test_bob"):
        act(town, role)
        town.refusal_of("42501", "select forge_handlers.charge_41a2e03f('{}')")
        town.refusal_of("42501", "select forge._call_handler('charge_41a2e03f', '{}')")


def test_a_registration_leaves_no_right_behind(town: Calls) -> None:
    act(town, "test_ann")
    register(town)
    act(town, None)

    for role in ("test_billing", "test_ann", "public"):
        may = "has_schema_privilege('{}', 'forge_handlers', 'usage, create')"
        assert town.one(f"select {may.format(role)}") is False
    assert town.one("select current_setting('role')") == "none"


def test_the_helpers_alone_give_nobody_more_rights(town: Calls) -> None:
    """bob opens the schema for himself, and what he makes there runs as him and no more."""
    act(town, "test_bob")
    town.select("create function pg_temp.mine(jsonb) returns jsonb language sql as $$ select $1 $$")
    oid = town.one("select 'pg_temp.mine(jsonb)'::regprocedure::oid")
    opened = town.one(
        f"select forge._open_sql_handler('charge', 'f', {oid}, 'test_bob', 'test_bob', null, null)"
    )
    town.select(
        f"create function forge_handlers.{opened[1]}(jsonb) returns jsonb language sql as "
        "$$ select to_jsonb(current_user::text) $$"
    )
    town.select(f"select forge._keep_sql_handler('charge', {oid}, '{opened[1]}', null, null)")

    assert run(town)["error_type"] == "NoHandler"
    act(town, None)
    called = town.one(f"select forge._call_handler('{opened[1]}', '{{}}')")
    assert called == "forge_runner"


def test_it_is_refused_where_the_role_without_rights_is_missing(town: Calls) -> None:
    town.select("alter function forge._call_handler(name, jsonb) owner to test_billing")
    act(town, "test_ann")

    said = town.refusal("JQ001", "register_sql_handler", type="charge", function="billing.charge")

    assert said.message_primary == "a role that Forge needs for this is missing"
