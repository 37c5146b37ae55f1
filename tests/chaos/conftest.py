"""A server of the module's own behind the proxy, so that connections and the server may suffer."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from psycopg.conninfo import conninfo_to_dict

from tests.chaos.proxy import Proxy
from tests.database import SQL, Clock, Conn
from tests.worker.own_server import OwnServer


def make_own(*initdb: str) -> OwnServer:
    made = OwnServer.make(*initdb)
    if made is None:
        pytest.skip("no PostgreSQL programs to start a server from")
    return made


@pytest.fixture(scope="module")
def own() -> Iterator[OwnServer]:
    made = make_own()
    with made.connect() as conn:
        conn.execute((SQL / "clock.sql").read_bytes())
    yield made
    made.remove()


@pytest.fixture
def conn(own: OwnServer) -> Iterator[Conn]:
    """Straight to the server; at the end nothing of the test is left, and the invariants hold."""
    with own.connect() as connection:
        yield connection
        broken = connection.execute((SQL / "invariants.sql").read_bytes()).fetchall()
        connection.execute(
            "truncate forge.jobs, forge.history, forge.dead_jobs, forge.dead_tallies,"
            " forge.error_groups, forge.workers"
        )
        connection.execute("update forge_test.clock set frozen_at = null, shift = '0'")
    assert not broken


@pytest.fixture
def clock(conn: Conn) -> Clock:
    return Clock(conn)


@pytest.fixture
def proxy(own: OwnServer) -> Iterator[Proxy]:
    socket = Path(str(conninfo_to_dict(own.dsn)["host"])) / ".s.PGSQL.5432"
    with Proxy(socket) as running:
        yield running


@pytest.fixture
def through(proxy: Proxy) -> str:
    """The server's DSN through the proxy."""
    return (
        f"postgresql://forge@127.0.0.1:{proxy.port}/postgres"
        "?sslmode=disable&gssencmode=disable&connect_timeout=3"
    )
