"""Unique keys in a race: the index decides, and who rolls back leaves the key to the other."""

from __future__ import annotations

import json

import psycopg
import pytest

from tests.concurrency.racing import Racer, deadlocks, racers, status
from tests.database import Database

Pair = tuple[Racer, Racer]
ENQUEUE = "select forge.enqueue('t', unique_key => 'k') as id"
MANY = "select id, created from forge.enqueue_many(%(jobs)s)"


def jobs(*keys: str) -> str:
    return json.dumps([{"type": "t", "unique_key": key} for key in keys])


def dead_with_key(db: Database, key: str) -> int:
    job_id: int = db.value("select forge.enqueue('t', unique_key => %(key)s)", key=key)
    db.rows("select f.* from forge.dequeue() as d, forge.fail(d.id, d.lease, 'no', false) as f")
    return job_id


def test_an_enqueue_that_waited_for_a_rolled_back_key_makes_the_job(
    db: Database, pair: Pair
) -> None:
    first, second = pair

    first.run("begin")
    (lost,) = first.run(ENQUEUE)
    second.start_and_wait_for_lock(ENQUEUE)
    first.run("rollback")

    (made,) = second.result()
    assert made["id"] != lost["id"]
    assert db.rows("select id, status from forge.list_jobs()") == [
        {"id": made["id"], "status": "PENDING"}
    ]


def test_an_enqueue_that_waited_for_a_committed_key_gets_its_job(db: Database, pair: Pair) -> None:
    first, second = pair

    first.run("begin")
    (made,) = first.run(ENQUEUE)
    second.start_and_wait_for_lock(ENQUEUE)
    first.run("commit")

    assert second.result() == [made]
    assert db.rows("select id from forge.list_jobs()") == [made]


def test_an_enqueue_that_waited_for_the_end_of_the_holder_makes_a_new_job(
    db: Database, pair: Pair
) -> None:
    """The holder's row is being deleted: the key is neither taken nor free until that commits."""
    (old,) = db.rows(ENQUEUE)
    (job,) = db.rows("select id, lease from forge.dequeue()")
    first, second = pair

    first.run("begin")
    first.run("select forge.complete(%(id)s, %(lease)s)", **job)
    second.start_and_wait_for_lock(ENQUEUE)
    first.run("commit")

    (new,) = second.result()
    assert new["id"] != old["id"]
    assert status(db, new["id"]) == "PENDING"
    assert status(db, old["id"]) == "COMPLETED"


@pytest.mark.parametrize("ending", ["commit", "rollback"])
def test_two_batches_with_the_same_keys_in_opposite_order_do_not_deadlock(
    db: Database, ending: str
) -> None:
    """In the order given, the one would sit on a and the other on c when b is let go."""
    with racers(db, 3) as (holder, first, second):
        holder.run("begin")
        holder.run(MANY, jobs=jobs("b"))
        first.start_and_wait_for_lock(MANY, jobs=jobs("a", "b", "c"))
        second.start_and_wait_for_lock(MANY, jobs=jobs("c", "b", "a"))
        holder.run(ending)

        created = [row["created"] for row in first.result()]
        assert created == [True, ending == "rollback", True]
        assert [row["created"] for row in second.result()] == [False, False, False]
    assert deadlocks(db) == 0


def test_a_batch_answers_in_the_order_of_its_jobs_and_not_of_its_locks(db: Database) -> None:
    (known,) = db.rows(MANY, jobs=jobs("m"))

    answers = db.rows(MANY, jobs=jobs("z", "m", "a", "z"))

    assert [row["created"] for row in answers] == [True, False, True, False]
    assert answers[1]["id"] == known["id"]
    assert answers[3]["id"] == answers[0]["id"]


def test_a_retry_whose_key_is_being_taken_waits_and_is_refused(db: Database, pair: Pair) -> None:
    dead = dead_with_key(db, "k")
    first, second = pair

    first.run("begin")
    first.run(ENQUEUE)
    second.start_and_wait_for_lock("select to_status from forge.retry(%(id)s)", id=dead)
    first.run("commit")

    with pytest.raises(psycopg.Error) as refused:
        second.result()
    assert refused.value.sqlstate == "JQ004"
    assert status(db, dead) == "DEAD"


def test_reviving_many_takes_keys_in_the_order_in_which_a_batch_takes_them(
    db: Database, pair: Pair
) -> None:
    """By id it would take b first and then wait for a, whose holder waits for b."""
    dead_with_key(db, "b")
    dead_with_key(db, "a")
    batch, revival = pair

    batch.run("begin")
    batch.run(MANY, jobs=jobs("a"))
    revival.start_and_wait_for_lock("select id from forge.retry_dead()")
    batch.run(MANY, jobs=jobs("b"))
    batch.run("commit")

    assert revival.result() == []
    assert deadlocks(db) == 0
    assert db.value("select count(*) from forge.list_dead()") == 2
