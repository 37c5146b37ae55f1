"""Conditions against a model: when they are looked at, and what comes of deadlines."""

from __future__ import annotations

import pytest

from tests.database import Clock, Database
from tests.model.awaiting import Awaiting
from tests.model.ground import begin, prove

CALLED = {"run_when", "tick", "cancel", "retry"}


@pytest.mark.timeout(400)  # room to shrink what fails
def test_jobs_wait_until_their_condition_holds(db: Database, clock: Clock) -> None:
    db.rows("create table public.facts as select false as holds")
    prove(
        Awaiting,
        begin(db, clock),
        called=CALLED,
        refused={"retry"},
        changes={
            *[(None, "WAITING"), ("WAITING", "PENDING")],
            *[("WAITING", "DEAD"), ("WAITING", "CANCELLED")],
        },
        examples=40,
        steps=25,
    )
