"""Two or three sessions on the test's database, with a thread for each."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.concurrency.racing import Racer, racers
from tests.database import Database


@pytest.fixture
def pair(db: Database) -> Iterator[tuple[Racer, Racer]]:
    """Two sessions that race."""
    with racers(db) as (first, second):
        yield first, second
