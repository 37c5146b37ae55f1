"""`forge enqueue --depends-on`, `forge parents`, `forge conditions`."""

from __future__ import annotations

from tests.cli.conftest import Forge
from tests.database import Database


def test_a_job_that_depends_on_another(forge: Forge, db: Database) -> None:
    parent = int(forge("enqueue", "page").out)
    child = int(forge("enqueue", "book", "--depends-on", parent, "--on-parent-failure", "run").out)
    assert (
        f"waits_for_jobs: it waits for a job: {parent} (page, PENDING)"
        in forge("explain", child).out
    )
    db.rows("select forge.complete(d.id, d.lease, '{\"words\": 3}') from forge.dequeue() as d")

    (row,) = forge("parents", child, "--json").json
    assert (row["id"], row["status"], row["result"]) == (parent, "COMPLETED", {"words": 3})
    assert "COMPLETED" in forge("parents", child).out
    assert forge("enqueue", "book", "--depends-on", 2**60).code == 1


def test_a_job_of_a_batch(forge: Forge, db: Database) -> None:
    batch = db.value("select forge.open_batch('report')")
    job_id = int(forge("enqueue", "page", "--batch", batch).out)
    assert [row["id"] for row in forge("parents", batch, "--json").json] == [job_id]


def test_conditions(forge: Forge, db: Database) -> None:
    job_id = db.value("select forge.run_when('t', 'false')")
    (row,) = forge("conditions", "--json").json
    assert (row["id"], row["condition"]) == (job_id, "false")
    assert "false" in forge("conditions").out


def test_a_tick_looks_at_conditions(forge: Forge, db: Database) -> None:
    job_id = db.value("select forge.run_when('t', 'true')")
    forge("tick")
    assert db.value("select status from forge.job(%s)", job_id) == "PENDING"
