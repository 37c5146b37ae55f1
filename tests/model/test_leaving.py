"""What goes for good against a model: dropped queues, the retention of ended and dead jobs."""

from __future__ import annotations

import pytest

from tests.database import Clock, Database
from tests.model.ground import begin, prove
from tests.model.leaving import Leaving

CALLED = {"drop_queue", "set_retention", "tick"}


@pytest.mark.timeout(400)  # room to shrink what fails
def test_nothing_goes_but_what_was_to_go(db: Database, clock: Clock) -> None:
    prove(
        Leaving,
        begin(db, clock),
        called=CALLED,
        refused={"complete", "fail"},
        changes={("DEAD", "PENDING")},
        examples=30,
        steps=30,
    )
