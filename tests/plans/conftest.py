"""One database a kind of statistics, filled once a run and copied for each file."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from functools import partial

import pytest

from tests.database import Database, made_once
from tests.plans.backlog import Reader, build, reading

STATISTICS = ("fresh", "of an empty table", "of running jobs only")


@pytest.fixture(scope="package", params=STATISTICS)
def backlog(request: pytest.FixtureRequest, server: str, template: str) -> Iterator[Database]:
    name = f"{template}_{request.param.replace(' ', '_')}"
    filled = made_once(server, name, template, partial(build, statistics=request.param))
    database = Database(server, f"{template}_{secrets.token_hex(4)}")
    database.create(filled)
    try:
        yield database
    finally:
        database.drop()


@pytest.fixture
def reader(backlog: Database) -> Iterator[Reader]:
    with reading(backlog) as session:
        yield session
