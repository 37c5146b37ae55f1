"""Schedules against a model, with cronsim for what cron expressions mean."""

from __future__ import annotations

import pytest

from tests.database import Clock, Database
from tests.model.ground import begin, prove
from tests.model.scheduling import Scheduling

CALLED = {
    *["schedule", "unschedule", "pause_schedule", "resume_schedule", "run_schedule"],
    *["tick", "dequeue", "complete"],
}


@pytest.mark.timeout(400)  # room to shrink what fails
def test_schedules_run_when_the_model_says(db: Database, clock: Clock) -> None:
    prove(
        Scheduling,
        begin(db, clock),
        called=CALLED,
        refused={"unschedule", "pause_schedule", "resume_schedule", "run_schedule"},
        changes={(None, "PENDING")},
        examples=60,
        steps=25,
    )
