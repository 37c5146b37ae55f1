"""The migrations and functions that Forge ships: complete, reversible, unchanged."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from forge.migrate import migrate, rollback
from forge.script import render_sql
from forge.sqlfiles import MIGRATION_NAME, SqlFiles
from tests.database import Database
from tests.migrations.conftest import catalog, psql

ROOT = Path(__file__).parents[2]
SHIPPED = SqlFiles.shipped()


def test_the_names_of_migrations_are_an_unbroken_sequence() -> None:
    migrations = SHIPPED.migrations()
    strays = {path.name for path in SHIPPED.db.glob("*.sql")} - {
        name for m in migrations for name in (m.path.name, m.rollback_path.name)
    }

    assert [int(m.id[:4]) for m in migrations] == list(range(1, len(migrations) + 1))
    assert not strays, f"not named like {MIGRATION_NAME.pattern}: {strays}"


def test_every_migration_has_a_way_back() -> None:
    assert [m.id for m in SHIPPED.migrations() if not m.rollback_path.is_file()] == []


def test_no_migration_was_edited_since_its_checksum_was_taken() -> None:
    present = {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in SHIPPED.db.glob("*.sql")
    }
    lines = (SHIPPED.db / "CHECKSUMS").read_text().splitlines()
    recorded = {name: checksum for checksum, name in (line.split() for line in lines)}

    assert recorded == present, "a released migration never changes; else: make checksums"


def test_migrating_twice_changes_nothing(blank_db: Database) -> None:
    migrate(blank_db.dsn)
    before = catalog(blank_db)

    report = migrate(blank_db.dsn)

    assert (report.migrations, report.dropped) == ((), ())
    assert catalog(blank_db) == before


def test_up_down_up_ends_where_it_began(blank_db: Database) -> None:
    first = migrate(blank_db.dsn)
    before = catalog(blank_db)

    for _ in first.migrations:
        rollback(blank_db.dsn)
    in_between = catalog(blank_db)
    migrate(blank_db.dsn)

    assert in_between == []
    assert catalog(blank_db) == before


def test_rolling_everything_back_leaves_an_empty_database(blank_db: Database) -> None:
    migrate(blank_db.dsn)
    blank_db.rows("select forge.enqueue('any')")

    rollback(blank_db.dsn, everything=True)

    assert blank_db.value("select to_regnamespace('forge')") is None


@pytest.fixture
def script(tmp_path: Path) -> Path:
    path = tmp_path / "forge.sql"
    path.write_text(render_sql())
    return path


def test_psql_alone_installs_what_migrate_installs(
    blank_db: Database, db: Database, script: Path
) -> None:
    result = psql(blank_db, script)
    migrate(db.dsn)  # puts the shipped clock back

    assert (result.returncode, result.stderr) == (0, "")
    assert catalog(blank_db) == catalog(db)


def test_migrate_goes_on_from_what_psql_installed(blank_db: Database, script: Path) -> None:
    psql(blank_db, script)
    before = catalog(blank_db)

    report = migrate(blank_db.dsn)

    assert (report.migrations, report.dropped) == ((), ())
    assert catalog(blank_db) == before


def test_what_psql_installed_can_be_rolled_back(blank_db: Database, script: Path) -> None:
    psql(blank_db, script)

    rollback(blank_db.dsn, everything=True)

    assert blank_db.value("select to_regnamespace('forge')") is None


@pytest.fixture
def owner(blank_db: Database) -> Iterator[str]:
    """The DSN of an ordinary login that owns the database and nothing else."""
    name = f"owner_of_{blank_db.name}"
    blank_db.rows(f"create role {name} login")
    blank_db.rows(f"alter database {blank_db.name} owner to {name}")
    yield make_conninfo(blank_db.dsn, user=name)
    blank_db.rows(f"alter database {blank_db.name} owner to current_user")
    blank_db.rows(f"reassign owned by {name} to current_user")
    blank_db.rows(f"drop owned by {name}")
    blank_db.rows(f"drop role {name}")


def test_the_owner_of_a_database_needs_no_superuser(blank_db: Database, owner: str) -> None:
    migrate(owner)
    with psycopg.connect(owner) as connection:
        connection.execute("select forge.enqueue('any')")
    report = migrate(owner)
    rollback(owner, everything=True)

    assert report.migrations == ()
    assert blank_db.value("select to_regnamespace('forge')") is None


def test_the_script_refuses_a_second_time_and_changes_nothing(
    blank_db: Database, script: Path
) -> None:
    psql(blank_db, script)
    blank_db.rows("select forge.enqueue('any')")

    result = psql(blank_db, script)

    assert result.returncode == 3  # what psql gives for an error in a script
    assert "forge is already installed" in result.stderr
    assert blank_db.value("select count(*) from forge.jobs") == 1


def test_an_interrupted_script_leaves_nothing(blank_db: Database, script: Path) -> None:
    script.write_text(script.read_text().replace("\ncommit;", "\nselect 1/0;\ncommit;"))

    assert psql(blank_db, script).returncode == 3
    assert blank_db.value("select to_regnamespace('forge')") is None


def test_the_wheel_carries_the_sql_and_the_dashboard(tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", tmp_path],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    (wheel,) = tmp_path.glob("*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    wanted = {
        f"forge/{inside}/{path.relative_to(ROOT / outside)}"
        for outside, inside in (
            ("db", "_sql/db"),
            ("procedures", "_sql/procedures"),
            ("dashboard", "_dashboard"),
        )
        for path in (ROOT / outside).rglob("*.*")
    }

    assert wanted <= names
    assert "forge/py.typed" in names
