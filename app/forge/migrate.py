"""`forge migrate`: bring a database to what the files say, and back.

Tables go forward by the migrations of db/, which yoyo applies; functions are loaded whole from
procedures/. Two migrators at once queue up behind one advisory lock, and both succeed.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import takewhile
from typing import Any

import psycopg

from forge.bookkeeping import (
    Backend,
    MigrationError,
    known_migrations,
    open_backend,
    refuse_edited,
)
from forge.loader import drop_untouched, load_procedures
from forge.patience import patiently, take_tick
from forge.sqlfiles import SqlFiles

# Forge's advisory locks have two-part keys; this first part ("FM" in ASCII) is the migrator's.
LOCK_KEY = (0x464D, 0)
ASK_AGAIN = 0.2  # seconds

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, kw_only=True)
class Report:
    """What a run changed."""

    migrations: tuple[str, ...]
    dropped: tuple[str, ...] = ()
    procedures: int = 0


@contextmanager
def _locked(dsn: str) -> Iterator[None]:
    with psycopg.connect(dsn, autocommit=True) as connection:
        # Asked again and again, as a statement that waits keeps its snapshot, for whose end
        # "create index concurrently" of the other migrator would wait: for ever, both. The wait
        # has no end of its own: that one may build a large index.
        while connection.execute("select pg_try_advisory_lock(%s, %s)", LOCK_KEY).fetchone() != (
            True,
        ):
            time.sleep(ASK_AGAIN)
        yield


def _silent(_: str, __: int, ___: int) -> None:
    pass


def migrate(dsn: str, *, files: SqlFiles | None = None, progress: Progress = _silent) -> Report:
    """Apply what db/ has and the database has not, then load procedures/, then tick once."""
    files = files or SqlFiles.shipped()
    with _locked(dsn):
        with open_backend(dsn) as backend:
            refuse_edited(files, backend.applied_checksums())
            pending = list(backend.to_apply(known_migrations(files)))
            steps = len(pending) + 2
            shapes = _last_with_functions(pending, files)
            for done, migration in enumerate(pending[: len(pending) - len(shapes)]):
                progress(migration.id, done, steps)
                with _explained(migration.id):
                    patiently(migration.id, partial(backend.apply_one, migration))
            progress("functions", steps - 2, steps)
            dropped = patiently("functions", lambda: _load(backend, shapes, files))
        progress("tick", steps - 1, steps)
        with psycopg.connect(dsn, autocommit=True) as connection:
            connection.execute("set client_min_messages = warning")
            # Partitions for the days ahead exist before the first job ends.
            if connection.execute("select to_regprocedure('forge.tick()')").fetchone() != (None,):
                connection.execute("select forge.tick()")
        progress("done", steps, steps)
    return Report(
        migrations=tuple(m.id for m in pending),
        dropped=tuple(dropped),
        procedures=len(files.procedure_files()),
    )


def _last_with_functions(pending: list[Any], files: SqlFiles) -> list[Any]:
    """The last of these, as far as they change in one transaction with the functions."""
    bound = {m.id for m in files.migrations() if m.with_functions}
    count = sum(1 for _ in takewhile(lambda m: m.id in bound, reversed(pending)))
    return pending[len(pending) - count :]


def _load(backend: Backend, shapes: list[Any], files: SqlFiles) -> list[str]:
    with backend.transaction():
        take_tick(backend.connection)
        for migration in shapes:
            with _explained(migration.id):
                backend.apply_one(migration)
        return load_procedures(backend.connection, files)


def rollback(
    dsn: str,
    *,
    everything: bool = False,
    files: SqlFiles | None = None,
    progress: Progress = _silent,
) -> Report:
    """Take the last migration back, or all of them.

    The functions go too, as they are written for the newest tables; `forge migrate` of the
    release that one returns to loads its own.
    """
    files = files or SqlFiles.shipped()
    with _locked(dsn):
        with open_backend(dsn) as backend:
            refuse_edited(files, backend.applied_checksums())
            applied = backend.to_rollback(known_migrations(files))
            chosen = list(applied if everything else applied[:1])
            _refuse_one_way(files, {m.id for m in chosen})
            dropped = []
            if chosen:
                dropped = patiently("functions", partial(_drop_functions, backend, files))
            for done, migration in enumerate(chosen):
                progress(migration.id, done, len(chosen))
                with _explained(migration.id):
                    patiently(migration.id, partial(backend.rollback_one, migration))
            left = len(applied) - len(chosen)
        if not left:
            _remove_bookkeeping(dsn)
        progress("done", len(chosen), len(chosen))
    return Report(migrations=tuple(m.id for m in chosen), dropped=tuple(dropped))


def _drop_functions(backend: Backend, files: SqlFiles) -> list[str]:
    with backend.transaction():
        take_tick(backend.connection)
        return drop_untouched(backend.connection, files.born_in_db())


@contextmanager
def _explained(migration_id: str) -> Iterator[None]:
    try:
        yield
    except psycopg.Error as error:
        raise MigrationError(
            "a migration failed, and the ones before it stay applied",
            f"{migration_id}: {error.diag.message_primary or error}",
            error.diag.message_hint,
        ) from error


def _refuse_one_way(files: SqlFiles, chosen: set[str]) -> None:
    for migration in files.migrations():
        if migration.id in chosen and not migration.rollback_path.is_file():
            raise MigrationError(
                "a migration cannot be rolled back",
                f"{migration.rollback_path.name} does not exist",
                "restore a backup instead",
            )


def _remove_bookkeeping(dsn: str) -> None:
    """Nothing is installed any more, so nothing of Forge stays but its roles."""
    with psycopg.connect(dsn) as connection:
        connection.execute(
            "drop table if exists forge._migration_checksum, forge._yoyo_log, "
            "forge._yoyo_migration, forge._yoyo_version"
        )
        # Refused while somebody keeps objects of their own in the schema.
        connection.execute("drop schema if exists forge restrict")
