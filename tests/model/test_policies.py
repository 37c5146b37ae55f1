"""Retries against a model: which policy counts, what the rules make of an error."""

from __future__ import annotations

import pytest

from tests.database import Clock, Database
from tests.model.ground import begin, prove
from tests.model.policing import Policing

CALLED = {"set_queue", "set_type", "set_retry_rules", "enqueue", "fail", "tick", "retry"}


@pytest.mark.timeout(400)  # room to shrink what fails
def test_failures_are_retried_as_policies_and_rules_say(db: Database, clock: Clock) -> None:
    prove(
        Policing,
        begin(db, clock),
        called=CALLED,
        refused={"fail"},
        changes={("PROCESSING", "PENDING"), ("PROCESSING", "DEAD"), ("DEAD", "PENDING")},
        examples=50,
        steps=30,
    )
