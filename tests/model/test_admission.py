"""Admission against a model: what a full queue does, which payloads come in."""

from __future__ import annotations

import pytest

from tests.database import Clock, Database
from tests.model.admitting import Admitting
from tests.model.ground import begin, prove

CALLED = {"set_admission", "set_schema", "set_check", "enqueue", "enqueue_many", "edit"}
IS_GOOD = """
create function public.is_good(payload jsonb) returns boolean
language sql immutable as 'select not payload ? ''bad'''
"""


@pytest.mark.timeout(400)  # room to shrink what fails
def test_queues_take_in_what_their_admission_allows(db: Database, clock: Clock) -> None:
    db.rows(IS_GOOD)
    prove(
        Admitting,
        begin(db, clock),
        called=CALLED,
        refused={"enqueue", "enqueue_many", "edit"},
        changes={(None, "PENDING"), ("PENDING", "CANCELLED")},
        examples=50,
        steps=30,
    )
