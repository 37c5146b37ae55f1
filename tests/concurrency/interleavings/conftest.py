"""One stage a module: what races leave behind adds up, and the invariants hold over all of it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.concurrency.interleavings.stage import Stage, stage
from tests.concurrency.racing import deadlocks
from tests.database import Database


@pytest.fixture(scope="module")
def play(module_db: Database) -> Iterator[Stage]:
    with stage(module_db) as on:
        yield on
    module_db.close()
    assert deadlocks(module_db) == 0
