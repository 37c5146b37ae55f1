"""Fixtures: `intruder`, a login of the database that may do what a producer may, and attacks."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from tests.api.conftest import api, make_api
from tests.database import Conn, Database, connect

__all__ = ["api", "make_api"]

MakeLogin = Callable[[str], Conn]


@pytest.fixture(scope="module")
def login(module_db: Database) -> Iterator[MakeLogin]:
    """Makes real logins: a session that could go back to a superuser would prove nothing.

    Each owns a schema of its own name, may make more of them, and may keep temporary tables.
    """
    made: list[str] = []
    with connect(module_db.dsn, autocommit=True) as admin, ExitStack() as open_connections:

        def make(role: str) -> Conn:
            name, password = f"intruder_{secrets.token_hex(5)}", secrets.token_hex(8)
            owner = sql.Identifier(name)
            admin.execute(
                sql.SQL("create role {} login password {} in role {}").format(
                    owner, sql.Literal(password), sql.Identifier(role)
                )
            )
            made.append(name)
            admin.execute(sql.SQL("create schema {} authorization {}").format(owner, owner))
            admin.execute(
                sql.SQL("grant create on database {} to {}").format(
                    sql.Identifier(module_db.name), owner
                )
            )
            dsn = make_conninfo(module_db.dsn, user=name, password=password)
            return open_connections.enter_context(connect(dsn, autocommit=True))

        yield make
        open_connections.close()
        for name in made:
            admin.execute(sql.SQL("drop owned by {} cascade").format(sql.Identifier(name)))
            admin.execute(sql.SQL("drop role {}").format(sql.Identifier(name)))


@pytest.fixture(scope="module")
def intruder(login: MakeLogin) -> Conn:
    """A producer with a login of its own."""
    return login("forge_producer")
