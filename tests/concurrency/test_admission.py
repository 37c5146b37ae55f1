"""The last place of a queue, edits and their jobs, in a race."""

from __future__ import annotations

import psycopg
import pytest

from tests.concurrency.racing import Racer, deadlocks, status
from tests.database import Database

Pair = tuple[Racer, Racer]
ENQUEUE = "select forge.enqueue('t', queue => 'q') as id"
LIMIT = "select forge.set_admission('q', %(n)s, %(rule)s)"


def refused(racer: Racer, query: str, **named: object) -> str | None:
    with pytest.raises(psycopg.Error) as caught:
        racer.run(query, **named)
    return caught.value.sqlstate


def test_two_that_come_at_once_cannot_both_take_the_last_place(db: Database, pair: Pair) -> None:
    db.rows(LIMIT, n=1, rule="reject")
    first, second = pair

    first.run("begin")
    first.run(ENQUEUE)

    # nobody waits, though it is not committed yet
    assert refused(second, ENQUEUE) == "JQ013"
    first.run("commit")


def test_a_place_that_was_rolled_back_is_free_after_the_next_look(db: Database, pair: Pair) -> None:
    db.rows(LIMIT, n=1, rule="reject")
    first, second = pair
    first.run("begin")
    first.run(ENQUEUE)
    first.run("rollback")
    assert refused(second, ENQUEUE) == "JQ013"

    db.rows("update forge.admissions set sampled_at = sampled_at - interval '1 minute'")
    db.rows("delete from forge.tick_tasks where task = 'tallies'")
    second.run("select forge.tick()")

    assert second.run(ENQUEUE)


def test_the_oldest_job_is_passed_by_while_somebody_claims_it(db: Database, pair: Pair) -> None:
    db.rows(LIMIT, n=2, rule="drop_oldest")
    (oldest,), (older,) = db.rows(ENQUEUE), db.rows(ENQUEUE)
    first, second = pair

    first.run("begin")
    first.run("select from forge.dequeue('q')")
    (new,) = second.run(ENQUEUE)
    first.run("commit")

    assert [status(db, j["id"]) for j in (oldest, older, new)] == [
        "PROCESSING", "CANCELLED", "PENDING",
    ]  # fmt: skip


def test_who_sets_a_limit_waits_for_who_sets_another(db: Database, pair: Pair) -> None:
    first, second = pair
    first.run("begin")
    first.run(LIMIT, n=1, rule="reject")
    second.start_and_wait_for_lock("select forge.set_schema('email', '{\"required\": [\"to\"]}')")
    first.run("commit")
    second.result()

    assert refused(first, "select forge.enqueue('email')") == "JQ014"
    assert db.rows(ENQUEUE)
    assert refused(first, ENQUEUE) == "JQ013"


def test_an_edit_waits_for_a_claim_and_sees_that_the_job_runs(db: Database, pair: Pair) -> None:
    (job,) = db.rows(ENQUEUE)
    first, second = pair
    first.run("begin")
    first.run("select from forge.dequeue('q')")
    second.start_and_wait_for_lock("select forge.edit(%(id)s, to_queue => 'r')", **job)
    first.run("commit")

    with pytest.raises(psycopg.Error) as caught:
        second.result()
    assert caught.value.sqlstate == "JQ004"


def test_a_claim_passes_by_a_job_that_is_being_edited(db: Database, pair: Pair) -> None:
    (job,) = db.rows(ENQUEUE)
    first, second = pair
    first.run("begin")
    first.run("select forge.edit(%(id)s, priority => 5)", **job)
    assert second.run("select id from forge.dequeue('q')") == []
    first.run("commit")
    assert second.run("select id from forge.dequeue('q')") == [job]


def test_a_job_does_not_wait_for_who_is_taking_its_key_elsewhere(db: Database, pair: Pair) -> None:
    """It has let go of its own key, and whoever takes the other one may wait for that."""
    (job,) = db.rows("select forge.enqueue('t', queue => 'a', unique_key => 'k') as id")
    first, second = pair
    first.run("begin")
    first.run("select forge.enqueue('t', queue => 'b', unique_key => 'k')")
    second.run("set lock_timeout = 0")  # it brings its own

    moved = "select changed, skipped from forge.edit_jobs('a', to_queue => 'b')"
    assert second.run(moved) == [{"changed": 0, "skipped": 1}]
    assert refused(second, "select forge.edit(%(id)s, to_queue => 'b')", **job) == "JQ004"
    first.run("rollback")
    assert second.run(moved) == [{"changed": 1, "skipped": 0}]


def test_a_key_that_moves_away_is_waited_for_and_free_then(db: Database, pair: Pair) -> None:
    (job,) = db.rows("select forge.enqueue('t', queue => 'a', unique_key => 'k') as id")
    first, second = pair
    first.run("begin")
    first.run("select forge.edit(%(id)s, to_queue => 'b')", **job)
    second.start_and_wait_for_lock(
        "select forge.enqueue('t', queue => 'a', unique_key => 'k') as id"
    )
    first.run("commit")

    (new,) = second.result()
    assert new["id"] != job["id"]
    assert deadlocks(db) == 0
