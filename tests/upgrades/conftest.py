"""Databases of the release before this one."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from forge.migrate import migrate
from tests.database import Database
from tests.migrations.conftest import catalog, psql
from tests.upgrades.previous import Previous

Catalog = list[tuple[str, str, str]]


@pytest.fixture(scope="session")
def previous(tmp_path_factory: pytest.TempPathFactory) -> Previous:
    return Previous.unpack(tmp_path_factory.mktemp("previous"))


@pytest.fixture(scope="session")
def old_template(
    server: str, previous: Previous, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """A database as the previous release's `forge sql` makes it."""
    name = f"forge_{os.environ['FORGE_TEST_RUN']}_old_{os.getpid()}"
    database = Database(server, name)
    database.create("template0")
    script = tmp_path_factory.mktemp("script") / "forge.sql"
    script.write_text(previous.run(database.dsn, "sql"))
    done = psql(database, script)
    assert (done.returncode, done.stderr) == (0, "")
    yield name
    database.drop()


@pytest.fixture(scope="session")
def new_catalog(server: str) -> Iterator[Catalog]:
    """What is in a database that this release has made anew."""
    database = Database(server, f"forge_{os.environ['FORGE_TEST_RUN']}_new_{os.getpid()}")
    database.create("template0")
    migrate(database.dsn)
    yield catalog(database)
    database.drop()


@pytest.fixture
def old_db(server: str, old_template: str, blank_db: Database) -> Iterator[Database]:
    """A database of the previous release, the test's own; this release's when it ends."""
    database = Database(server, f"{blank_db.name}_old")
    database.create(old_template)
    try:
        yield database
        violations = database.violations()
        assert not violations, f"the test left behind: {violations}"
    finally:
        database.drop()
