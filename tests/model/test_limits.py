"""Limits against a model: no claim has more than they allow, nor less."""

from __future__ import annotations

import pytest
from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test

from tests.database import Clock, Database
from tests.model.base import Covered
from tests.model.ground import PROFILE, begin
from tests.model.limiting import Limiting


@pytest.mark.timeout(400)  # room to shrink what fails
def test_claims_have_all_that_the_limits_allow_and_no_more(db: Database, clock: Clock) -> None:
    connection, edges = begin(db, clock)
    covered = Covered()

    class OnThisDatabase(Limiting):
        def __init__(self) -> None:
            super().__init__(connection, edges, covered)

    profile = settings(settings.get_profile(PROFILE), max_examples=80, stateful_step_count=30)
    run_state_machine_as_test(OnThisDatabase, settings=profile)
    print(covered)
