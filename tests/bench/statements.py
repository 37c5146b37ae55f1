"""How much a database is asked."""

from __future__ import annotations

from tests.bench.databases import Database, connect
from tests.bench.server import STATEMENTS, counts_statements

# By statement where the module is there; it sees a call of a function as one.
BY_STATEMENT = """
select coalesce(sum(s.calls), 0) from pg_stat_statements as s
where s.dbid = (select d.oid from pg_database as d where d.datname = %s)
"""
BY_TRANSACTION = "select xact_commit + xact_rollback from pg_stat_database where datname = %s"


class Asked:
    """Counts from another database, so that its own questions do not count."""

    def __init__(self, database: Database) -> None:
        self._server = database.server
        self._name = database.name
        self._by_statement = counts_statements(self._server)
        if self._by_statement:
            with connect(self._server) as connection:
                connection.execute(f"create extension if not exists {STATEMENTS}".encode())

    @property
    def unit(self) -> str:
        return "statements/s" if self._by_statement else "transactions/s"

    def count(self) -> int:
        """So often until now."""
        query = BY_STATEMENT if self._by_statement else BY_TRANSACTION
        with connect(self._server) as connection:
            row = connection.execute(query.encode(), [self._name]).fetchone()
        assert row is not None
        return int(row[0])
