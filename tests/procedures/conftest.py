"""`call`: Forge's functions on the test's `db`, else in its `tx`."""

from __future__ import annotations

import pytest

from tests.database import Clock, Database
from tests.procedures.calls import Calls

NOON = "2030-01-02T12:00:00Z"


@pytest.fixture
def call(request: pytest.FixtureRequest) -> Calls:
    if "db" in request.fixturenames:
        database: Database = request.getfixturevalue("db")
        return Calls(database.connect())
    return Calls(request.getfixturevalue("tx"))


@pytest.fixture
def noon(clock: Clock) -> Clock:
    """The test's clock, standing still at noon (UTC)."""
    clock.set(NOON)
    return clock
