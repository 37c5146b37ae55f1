"""Schedules against a model, with cronsim for what cron expressions mean."""

from __future__ import annotations

import pytest
from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test

from tests.database import Clock, Database
from tests.model.base import Covered
from tests.model.ground import PROFILE, begin
from tests.model.scheduling import Scheduling


@pytest.mark.timeout(400)  # room to shrink what fails
def test_schedules_run_when_the_model_says(db: Database, clock: Clock) -> None:
    connection, edges = begin(db, clock)
    covered = Covered()

    class OnThisDatabase(Scheduling):
        def __init__(self) -> None:
            super().__init__(connection, edges, covered)

    profile = settings(settings.get_profile(PROFILE), max_examples=80, stateful_step_count=25)
    run_state_machine_as_test(OnThisDatabase, settings=profile)
    print(covered)
