"""SQL handlers and changes of tables against a model: what runs, what is made, what is undone."""

from __future__ import annotations

import pytest

from tests.database import Clock, Database
from tests.model.ground import begin, prove
from tests.model.serving import HANDLER, Serving

CALLED = {
    *["register_sql_handler", "unregister_sql_handler", "run", "run_claimed"],
    *["on_change", "off_change"],
}


@pytest.mark.timeout(400)  # room to shrink what fails
def test_the_database_runs_and_makes_what_it_was_asked_to(db: Database, clock: Clock) -> None:
    with db.connect() as connection:
        connection.execute(HANDLER.encode())
    prove(
        Serving,
        begin(db, clock),
        called=CALLED,
        refused={"run_claimed"},
        changes={(None, "PENDING"), ("PENDING", "COMPLETED")},
        examples=40,
        steps=30,
    )
