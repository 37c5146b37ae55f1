"""What callers of the previous release may go on to rely on."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import pytest

from forge.bookkeeping import MigrationError
from forge.migrate import migrate
from forge.sqlfiles import SqlFiles
from tests.database import Database
from tests.migrations.conftest import catalog
from tests.upgrades.catalogs import Function, public_functions
from tests.upgrades.conftest import Catalog
from tests.upgrades.previous import Previous


def test_the_migrations_of_the_previous_release_are_as_they_were(previous: Previous) -> None:
    then = {m.path.name: m.checksum for m in previous.files.migrations()}
    now = {m.path.name: m.checksum for m in SqlFiles.shipped().migrations()}
    first = dict(list(now.items())[: len(then)])

    assert first == then, "its databases could not be upgraded: put the change into a new migration"
    for migration in previous.files.migrations():
        ours = SqlFiles.shipped().db / migration.rollback_path.name
        assert digest(ours) == digest(migration.rollback_path), ours.name


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def complaints(old: Function, new: Function | None) -> list[str]:
    if new is None:
        return [f"{old.name} is gone"]
    count, columns = len(old.arguments), len(old.columns)
    found = {
        "its arguments changed": (new.arguments[:count], new.types[:count])
        == (old.arguments, old.types),
        "it needs more arguments": new.needed <= old.needed,
        "its answer changed": (new.many, new.answer) == (old.many, old.answer),
        "its columns changed": (new.columns[:columns], new.column_types[:columns])
        == (old.columns, old.column_types),
        "fewer may call it": set(old.callers) <= set(new.callers),
    }
    return [f"{old.name}: {what}" for what, holds in found.items() if not holds]


def test_every_function_takes_its_old_arguments_and_returns_its_old_columns(
    old_db: Database,
) -> None:
    then = public_functions(old_db)
    migrate(old_db.dsn)
    now = public_functions(old_db)

    assert len(then) > 50
    assert [c for name, old in then.items() for c in complaints(old, now.get(name))] == []


def test_calls_that_were_prepared_before_are_planned_anew(old_db: Database) -> None:
    session = old_db.connect()
    prepared = []
    for function in public_functions(old_db).values():
        columns = ", ".join(f'"{column}"' for column in function.columns) or "*"
        named = ", ".join(
            f'"{name}" => null::{type}'
            for name, type in zip(function.arguments, function.types, strict=True)
        )
        call = f"select {columns} from forge.{function.name}({named})"
        session.execute(f"prepare old_{function.name} as {call}".encode())
        session.execute(f"explain execute old_{function.name}".encode())
        prepared.append(function.name)

    migrate(old_db.dsn)

    for name in prepared:
        session.execute(f"explain execute old_{name}".encode())


def test_an_upgraded_database_is_as_a_new_one(old_db: Database, new_catalog: Catalog) -> None:
    migrate(old_db.dsn)

    assert catalog(old_db) == new_catalog


def test_an_edited_migration_stops_the_upgrade_and_is_named(
    old_db: Database, tmp_path: Path
) -> None:
    shipped = SqlFiles.shipped()
    files = SqlFiles(tmp_path / "db", shipped.procedures)
    shutil.copytree(shipped.db, files.db)
    with (files.db / "0002.jobs.sql").open("a") as file:
        file.write("-- a word more\n")
    before = catalog(old_db)

    with pytest.raises(MigrationError, match="an applied migration was edited") as caught:
        migrate(old_db.dsn, files=files)

    assert "0002.jobs.sql" in str(caught.value.detail)
    assert catalog(old_db) == before
    migrate(old_db.dsn)
