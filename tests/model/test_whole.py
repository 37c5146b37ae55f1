"""What becomes of single jobs, against a model: keys, flows, edits in bulk, logs, draining."""

from __future__ import annotations

import os

from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test

from tests.database import Clock, Database
from tests.model.base import Covered
from tests.model.ground import PROFILE, begin
from tests.model.whole import Whole


def test_whatever_is_done_to_jobs_the_tables_are_equal_to_the_model(
    db: Database, clock: Clock
) -> None:
    connection, edges = begin(db, clock)
    covered = Covered()

    class OnThisDatabase(Whole):
        def __init__(self) -> None:
            super().__init__(connection, edges, covered)

    examples = int(os.environ.get("FORGE_TEST_EXAMPLES", "100"))
    profile = settings(settings.get_profile(PROFILE), max_examples=examples)
    run_state_machine_as_test(OnThisDatabase, settings=profile)
    print(covered)
