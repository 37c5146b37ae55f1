"""yoyo on our terms: its tables live in schema forge, and a migration and its mark commit together.

yoyo remembers a migration by name only, so that an edit to an applied one would go unnoticed;
`forge._migration_checksum` keeps what was applied.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from yoyo.backends.core.postgresql import PostgresqlPsycopgBackend
from yoyo.connections import DatabaseURI
from yoyo.migrations import MigrationList, default_migration_table, read_migrations

from forge.errors import ForgeError
from forge.sqlfiles import Migration, SqlFiles

# Whoever waits for a lock makes all who come after wait as well: nobody may notice a migrator.
LOCK_TIMEOUT = "500ms"

CREATE_CHECKSUMS = """
create table if not exists forge._migration_checksum (
    migration_id text primary key,
    sha256 text not null
)"""


class MigrationError(ForgeError):
    """The files and the database do not fit together, or a file failed."""

    code, name, http_status = "JQ104", "migration_refused", 500


class Backend(PostgresqlPsycopgBackend):  # type: ignore[misc]  # yoyo has no types
    """yoyo's psycopg backend on a plain DSN, in schema forge, under the caller's lock."""

    schema = "forge"

    def __init__(self, dsn: str) -> None:
        self.dsn = dsn
        database = str(psycopg.conninfo.conninfo_to_dict(dsn).get("dbname", ""))
        uri = DatabaseURI("postgresql+psycopg", None, None, None, None, database, {})
        super().__init__(uri, default_migration_table)

    def connect(self, dburi: object) -> psycopg.Connection[tuple[Any, ...]]:
        # yoyo would take the DSN apart by itself and know fewer forms of it than libpq does.
        connection = psycopg.connect(self.dsn, autocommit=True)
        connection.execute("set client_min_messages = warning")
        connection.execute(f"set lock_timeout = '{LOCK_TIMEOUT}'".encode())
        return connection

    @contextmanager
    def lock(self, timeout: float = 10) -> Iterator[None]:
        # The caller holds Forge's advisory lock, which, unlike yoyo's row, dies with its session.
        yield

    def apply_one(self, migration: Any, force: bool = False, mark: bool = True) -> None:
        migration.load()
        if not migration.use_transactions:
            self._process_unbounded(migration, "apply")
        with self.transaction():
            if migration.use_transactions:
                migration.process_steps(self, "apply")
            self.mark_one(migration)
            self.execute(
                "insert into forge._migration_checksum values (:id, :sha256) "
                "on conflict (migration_id) do update set sha256 = excluded.sha256",
                {"id": migration.id, "sha256": migration.checksum},
            )

    def _process_unbounded(self, migration: Any, direction: str) -> None:
        # "concurrently" waits for old transactions, and nobody waits for it.
        self.execute("set lock_timeout = 0")
        migration.process_steps(self, direction)
        self.execute(f"set lock_timeout = '{LOCK_TIMEOUT}'")

    def rollback_one(self, migration: Any, force: bool = False) -> None:
        migration.load()
        if not migration.use_transactions:
            self._process_unbounded(migration, "rollback")
        with self.transaction():
            if migration.use_transactions:
                migration.process_steps(self, "rollback")
            self.unmark_one(migration)
            self.execute(
                "delete from forge._migration_checksum where migration_id = :id",
                {"id": migration.id},
            )

    def applied_checksums(self) -> dict[str, str]:
        rows = self.execute("select migration_id, sha256 from forge._migration_checksum")
        return dict(rows.fetchall())


@contextmanager
def open_backend(dsn: str) -> Iterator[Backend]:
    """A backend whose schema and bookkeeping tables exist."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("set client_min_messages = warning")
        connection.execute("create schema if not exists forge")
        connection.execute(CREATE_CHECKSUMS)
    with Backend(dsn) as backend:
        backend.ensure_internal_schema_updated()
        yield backend


def known_migrations(files: SqlFiles) -> MigrationList:
    """yoyo's view of db/, each migration with its checksum."""
    found = {m.id: m for m in files.migrations()}
    migrations = read_migrations(str(files.db)).filter(lambda m: m.id in found)
    for migration in migrations:
        migration.checksum = found[migration.id].checksum
    return migrations


def refuse_edited(files: SqlFiles, applied: dict[str, str]) -> None:
    """Raise where an applied migration is not the file that was applied, or is newer than us."""
    present: dict[str, Migration] = {m.id: m for m in files.migrations()}
    for migration_id, checksum in sorted(applied.items()):
        if migration_id not in present:
            raise MigrationError(
                "the database is newer than this Forge",
                f"migration {migration_id} is applied there and unknown here",
                "install the newer Forge, or roll back with it first",
            )
        if present[migration_id].checksum != checksum:
            raise MigrationError(
                "an applied migration was edited",
                f"{present[migration_id].path.name} differs from what was applied",
                "restore the file and put the change into a new migration",
            )
