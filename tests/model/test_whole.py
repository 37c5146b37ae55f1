"""What becomes of single jobs, against a model: keys, flows, edits in bulk, logs, draining."""

from __future__ import annotations

import pytest

from tests.database import Clock, Database
from tests.model.ground import begin, prove
from tests.model.whole import Whole

CALLED = {
    *["enqueue_many", "open_batch", "close_batch", "enqueue_batch", "parents"],
    *["edit", "edit_jobs", "cancel_jobs", "retry_jobs", "discard_dead", "log", "job_log"],
    *["report", "set_log", "register_worker", "unregister_worker"],
    *["drain_worker", "resume_worker", "list_revivals", "cancel_revival"],
}


@pytest.mark.timeout(400)  # room to shrink what fails
def test_whatever_is_done_to_jobs_the_tables_are_equal_to_the_model(
    db: Database, clock: Clock
) -> None:
    given = begin(db, clock)
    changes = {(before, after) for before, after, _ in given[1] if before != after}
    prove(
        Whole,
        given,
        called=CALLED,
        refused={"enqueue", "edit", "close_batch", "log"},
        changes=changes - {("WAITING", "DEAD")},  # a deadline of run_when
        examples=45,
        steps=40,
    )
