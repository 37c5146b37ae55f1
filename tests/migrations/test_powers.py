"""Installed by a role that is no superuser: what it can set apart from its own rights."""

from __future__ import annotations

import secrets
from collections.abc import Iterator

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from forge.migrate import migrate
from tests.database import Conn, Database, connect


@pytest.fixture
def owner(blank_db: Database) -> Iterator[str]:
    """The DSN of a plain role that may make schemas; the roles of Forge are there."""
    name = f"test_owner_{secrets.token_hex(4)}"
    with connect(blank_db.dsn, autocommit=True) as admin:
        for role in ("viewer", "producer", "worker", "operator", "trigger", "runner"):
            try:
                admin.execute(f"create role forge_{role} nologin".encode())
            except psycopg.errors.DuplicateObject:
                continue
        admin.execute(f"create role {name} login".encode())
        admin.execute(f"grant create on database {blank_db.name} to {name}".encode())
        yield make_conninfo(blank_db.dsn, user=name)
        admin.execute(f"drop owned by {name} cascade".encode())
        admin.execute(f"drop role {name}".encode())


@pytest.fixture
def own(owner: str) -> Iterator[Conn]:
    migrate(owner)
    with connect(owner, autocommit=True) as connection:
        connection.execute("create schema app")
        connection.execute("create table app.orders (id int)")
        connection.execute(
            "create function app.charge(payload jsonb) returns jsonb language sql as "
            "$$ select to_jsonb(current_user::text) $$"
        )
        yield connection


REGISTER = "select run_as from forge.register_sql_handler('charge', 'app.charge')"
WATCH = "select name from forge.on_change('app.orders', '{insert}', 'seen')"


def test_without_the_two_roles_neither_is_offered(own: Conn) -> None:
    for statement in (REGISTER, WATCH):
        with pytest.raises(psycopg.Error, match="a role that Forge needs") as caught:
            own.execute(statement.encode())
        assert caught.value.sqlstate == "JQ001"
        assert "create role forge_" in str(caught.value.diag.message_hint)
    may = "has_function_privilege('forge_producer', 'forge._on_change()', 'execute')"
    assert own.execute(f"select {may} as may".encode()).fetchone() == {"may": False}
    assert own.execute("select forge.enqueue('email') > 0 as made").fetchone() == {"made": True}


def test_a_member_of_the_two_roles_has_both_after_migrating_again(
    owner: str, own: Conn, blank_db: Database
) -> None:
    blank_db.rows(f"grant forge_trigger, forge_runner to {own.info.user}")
    migrate(owner)
    migrate(owner)

    own.execute(REGISTER.encode())
    own.execute(WATCH.encode())
    own.execute("insert into app.orders values (1)")
    own.execute("select forge.enqueue('charge')")
    row = own.execute("select status, result from forge.run()").fetchone()

    assert row == {"status": "COMPLETED", "result": own.info.user}
    seen = own.execute("select count(*) as n from forge.jobs where type = 'seen'").fetchone()
    assert seen == {"n": 1}
    own.execute("select forge.unregister_sql_handler('charge'), forge.off_change('orders_seen')")
    blank_db.rows(f"revoke forge_trigger, forge_runner from {own.info.user}")
