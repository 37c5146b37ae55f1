"""What forge.doctor() says of the workers that are there."""

from __future__ import annotations

from tests.database import Database

REGISTER = "select forge.register_worker(%s, %s::text[], %s::text[], liveness => false)"


def found(db: Database) -> dict[str, str]:
    """The sentences by code."""
    return {row["code"]: row["sentence"] for row in db.rows("select * from forge.doctor()")}


def test_a_type_that_no_worker_of_the_queue_runs(db: Database) -> None:
    db.rows("select forge.enqueue(t) from unnest('{email,report}'::text[]) as t")
    db.rows(REGISTER, "w", ["default"], ["email"])

    sentence = found(db)["no_worker_for_type"]

    assert "report" in sentence
    assert "email" not in sentence


def test_a_worker_of_all_types_is_enough(db: Database) -> None:
    db.rows("select forge.enqueue('report')")
    db.rows(REGISTER, "w", ["default"], None)

    assert not {"no_worker", "no_worker_for_type"} & found(db).keys()


def test_a_worker_that_fell_silent_does_not_count(db: Database) -> None:
    db.rows("select forge.enqueue('report')")
    db.rows(REGISTER, "w", ["default"], None)
    db.rows("update forge.workers set heartbeat_at = heartbeat_at - interval '2 minutes'")

    assert "no_worker" in found(db)


def test_more_claims_than_the_lock_table_has_room_for(db: Database) -> None:
    assert "few_locks" not in found(db)

    db.rows(REGISTER, "w", [f"q{n}" for n in range(1000)], None)

    assert "501000" in found(db)["few_locks"]
