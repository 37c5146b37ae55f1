"""Limits against a model: no claim has more than they allow, nor less."""

from __future__ import annotations

import pytest

from tests.database import Clock, Database
from tests.model.ground import begin, prove
from tests.model.limiting import Limiting

CALLED = {"set_limits", "dequeue", "exchange", "release", "tick", "edit", "report", "set_log"}


@pytest.mark.timeout(400)  # room to shrink what fails
def test_claims_have_all_that_the_limits_allow_and_no_more(db: Database, clock: Clock) -> None:
    prove(
        Limiting,
        begin(db, clock),
        called=CALLED,
        refused={"release"},
        changes={("PROCESSING", "PENDING"), ("DEAD", "PENDING"), ("CANCELLED", "PENDING")},
        examples=30,
        steps=30,
    )
