"""plpgsql_check over every function: the branches that no test runs are at least well formed.

Where the run's server has no such extension, the system's PostgreSQL is started for it; in CI that
must be there.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from forge.migrate import migrate
from tests import server as servers
from tests.database import Conn, Database, connect

AVAILABLE = "select from pg_available_extensions where name = 'plpgsql_check'"

# What is meant as it is, and why.
MEANT = {
    # Readers whose example reads what the same statement has just written.
    ("job", "routine is marked as VOLATILE, should be STABLE"),
    # It is there to run what its caller says, with the rights of its caller.
    ("_answer", "text type variable is not sanitized"),
}

CHECK = """
select p.proname as name, c.lineno, c.level, c.message, c.detail
from pg_proc as p
cross join lateral plpgsql_check_function_tb(
    p.oid, fatal_errors => false, extra_warnings => true, performance_warnings => false,
    security_warnings => true
) as c
where p.pronamespace = 'forge'::regnamespace
    and p.prorettype <> 'trigger'::regtype
    and p.prolang = (select l.oid from pg_language as l where l.lanname = 'plpgsql')
order by p.proname, c.lineno
"""


CHECK_TRIGGER = """
select p.proname as name, c.lineno, c.level, c.message, c.detail
from pg_proc as p
cross join lateral plpgsql_check_function_tb(
    p.oid, 'public.changed', fatal_errors => false, extra_warnings => true,
    performance_warnings => false, security_warnings => true,
    oldtable => 'old_rows', newtable => 'new_rows'
) as c
where p.pronamespace = 'forge'::regnamespace and p.prorettype = 'trigger'::regtype
"""


def offers_the_check(dsn: str) -> bool:
    with connect(dsn, autocommit=True) as connection:
        return connection.execute(AVAILABLE.encode()).fetchone() is not None


@pytest.fixture
def checking(server: str) -> Iterator[Conn]:
    """A connection to a database with Forge and plpgsql_check."""
    dsn, stop = server, None
    if not offers_the_check(server):
        binaries = servers.system_binaries()
        if binaries is not None:
            dsn, stop = servers.start_cluster(binaries)
        if stop is None or not offers_the_check(dsn):
            if stop is not None:
                stop()
            reason = "plpgsql_check is not installed: apt install postgresql-15-plpgsql-check"
            if os.environ.get("CI") == "true":
                pytest.fail(reason)
            pytest.skip(reason)
    database = Database(dsn, f"forge_check_{os.getpid()}")
    database.create("template0")
    try:
        migrate(database.dsn)
        with database.connect() as connection:
            connection.execute("create extension plpgsql_check")
            connection.execute("set search_path = pg_catalog, forge, public")
            yield connection
    finally:
        database.drop()
        if stop is not None:
            stop()


def test_plpgsql_check_finds_nothing(checking: Conn) -> None:
    checking.execute("create table public.changed (id int)")
    found = checking.execute(CHECK).fetchall() + checking.execute(CHECK_TRIGGER).fetchall()
    said = [
        f"{row['name']}:{row['lineno']}: {row['level']}: {row['message']} {row['detail'] or ''}"
        for row in found
        if (row["name"], row["message"]) not in MEANT
    ]
    assert said == []
