"""One database a kind of statistics, filled once for all tests of the file."""

from __future__ import annotations

import secrets
from collections.abc import Iterator

import pytest

from tests.database import Database
from tests.plans.backlog import Reader, build, reading

STATISTICS = ("fresh", "of an empty table", "of running jobs only")


@pytest.fixture(scope="package", params=STATISTICS)
def backlog(request: pytest.FixtureRequest, server: str, template: str) -> Iterator[Database]:
    database = Database(server, f"{template}_{secrets.token_hex(4)}")
    database.create(template)
    try:
        build(database, request.param)
        yield database
    finally:
        database.drop()


@pytest.fixture
def reader(backlog: Database) -> Iterator[Reader]:
    with reading(backlog) as session:
        yield session
