"""Unique keys that are spent, replaced and given up, in a race."""

from __future__ import annotations

import json
from typing import Any

from tests.concurrency.racing import (
    Racer,
    blocked_by,
    deadlocks,
    gate_before,
    racers,
    status,
    until,
)
from tests.database import Database

Pair = tuple[Racer, Racer]
REPLACE = "select forge.enqueue('t', %(p)s, unique_key => 'k', on_conflict => 'replace') as id"
SPEND = "select forge.enqueue('t', unique_key => 'k', unique_for => '1 hour') as id"
COMPLETE = "select forge.complete(%(id)s, %(lease)s)"
MANY = "select id, created from forge.enqueue_many(%(jobs)s)"


def payload(db: Database, job_id: int) -> Any:
    return db.value("select payload from forge.job(%(id)s)", id=job_id)


def claimed(db: Database, count: int = 1) -> list[dict[str, Any]]:
    return db.rows("select id, lease from forge.dequeue(max_jobs => %(n)s)", n=count)


def replacing(*keys: str, **more: Any) -> str:
    return json.dumps(
        [{"type": "t", "unique_key": key, "on_conflict": "replace", **more} for key in keys]
    )


def test_an_enqueue_that_waited_for_a_completion_sees_the_spent_key(
    db: Database, pair: Pair
) -> None:
    (old,) = db.rows(SPEND)
    (job,) = claimed(db)
    first, second = pair

    first.run("begin")
    first.run(COMPLETE, **job)
    second.start_and_wait_for_lock(SPEND)
    first.run("commit")

    assert second.result() == [old]
    assert db.value("select count(*) from forge.jobs") == 0


def test_an_enqueue_that_waited_for_a_completion_that_was_undone_keeps_the_holder(
    db: Database, pair: Pair
) -> None:
    (old,) = db.rows(SPEND)
    (job,) = claimed(db)
    first, second = pair

    first.run("begin")
    first.run(COMPLETE, **job)
    second.start_and_wait_for_lock(SPEND)
    first.run("rollback")

    assert second.result() == [old]
    assert status(db, old["id"]) == "PROCESSING"


def test_who_waited_behind_an_enqueue_that_took_itself_back_sees_the_spent_key(
    db: Database, pair: Pair
) -> None:
    (old,) = db.rows(SPEND)
    (job,) = claimed(db)
    db.rows(COMPLETE, **job)
    first, second = pair

    first.run("begin")
    assert first.run(SPEND) == [old]
    second.start(SPEND)
    first.run("commit")

    assert second.result() == [old]
    assert db.value("select count(*) from forge.jobs") == 0


def test_a_replacement_that_waited_for_a_claim_makes_a_new_job(db: Database, pair: Pair) -> None:
    (old,) = db.rows(REPLACE, p='{"n": 1}')
    first, second = pair

    first.run("begin")
    first.run("select from forge.dequeue()")
    second.start_and_wait_for_lock(REPLACE, p='{"n": 2}')
    first.run("commit")

    (new,) = second.result()
    assert new["id"] != old["id"]
    assert (payload(db, old["id"]), payload(db, new["id"])) == ({"n": 1}, {"n": 2})


def test_a_replacement_that_met_a_claim_after_its_key_makes_a_new_job(
    db: Database, pair: Pair
) -> None:
    """The holder is still PENDING when its key is found taken, and claimed a moment later."""
    (old,) = db.rows(REPLACE, p='{"n": 1}')
    first, second = pair

    with gate_before(db, "forge._holder(text, text)") as open_gate:
        second.start_and_wait_for_lock(REPLACE, p='{"n": 2}')
        first.run("begin")
        first.run("select from forge.dequeue()")
        open_gate()
        until(lambda: blocked_by(db, second, first))
        first.run("commit")

    (new,) = second.result()
    assert new["id"] != old["id"]
    assert (payload(db, old["id"]), payload(db, new["id"])) == ({"n": 1}, {"n": 2})


def test_a_replacement_that_waited_for_the_end_of_the_holder_makes_a_new_job(
    db: Database, pair: Pair
) -> None:
    (old,) = db.rows(REPLACE, p='{"n": 1}')
    (job,) = claimed(db)
    first, second = pair

    first.run("begin")
    first.run(COMPLETE, **job)
    second.start_and_wait_for_lock(REPLACE, p='{"n": 2}')
    first.run("commit")

    (new,) = second.result()
    assert new["id"] != old["id"]
    assert payload(db, new["id"]) == {"n": 2}


def test_a_replacement_that_waited_for_the_holder_to_spend_its_key_is_put_off(
    db: Database, pair: Pair
) -> None:
    (old,) = db.rows(SPEND)
    (job,) = claimed(db)
    first, second = pair

    first.run("begin")
    first.run(COMPLETE, **job)
    second.start_and_wait_for_lock(REPLACE, p='{"n": 2}')
    first.run("commit")

    (new,) = second.result()
    assert new["id"] != old["id"]
    assert payload(db, new["id"]) == {"n": 2}
    assert db.value(
        "select j.scheduled_at = s.until from forge.jobs as j, forge.spent_keys as s "
        "where j.id = %(new)s and s.id = %(old)s",
        new=new["id"],
        old=old["id"],
    )


def test_the_later_of_two_replacements_wins(db: Database, pair: Pair) -> None:
    (job,) = db.rows(REPLACE, p='{"n": 1}')
    first, second = pair

    first.run("begin")
    first.run(REPLACE, p='{"n": 2}')
    second.start_and_wait_for_lock(REPLACE, p='{"n": 3}')
    first.run("commit")

    assert second.result() == [job]
    assert payload(db, job["id"]) == {"n": 3}


def test_a_claim_passes_by_a_job_that_is_being_replaced(db: Database, pair: Pair) -> None:
    db.rows(REPLACE, p='{"n": 1}')
    (other,) = db.rows("select forge.enqueue('t') as id")
    first, second = pair

    first.run("begin")
    first.run(REPLACE, p='{"n": 2}')

    assert second.run("select id from forge.dequeue(max_jobs => 2)") == [other]
    first.run("commit")


def test_a_completion_waits_for_who_takes_the_key_and_then_works(db: Database, pair: Pair) -> None:
    (old,) = db.rows(REPLACE, p='{"n": 1}')
    (job,) = claimed(db)
    first, second = pair

    first.run("begin")
    first.run(REPLACE, p='{"n": 2}')
    second.start_and_wait_for_lock(COMPLETE, **job)
    first.run("commit")

    assert second.result() == [{"complete": True}]
    assert status(db, old["id"]) == "COMPLETED"
    assert db.value("select count(*) from forge.jobs where unique_key = 'k'") == 1


def test_batches_that_replace_each_others_holders_do_not_deadlock(db: Database) -> None:
    """The keys are in one order and the ids of their holders in the other."""
    for key in ("c", "b", "a"):
        db.rows(MANY, jobs=replacing(key))
    with racers(db, 3) as (holder, first, second):
        holder.run("begin")
        holder.run(MANY, jobs=replacing("b"))
        first.start_and_wait_for_lock(MANY, jobs=replacing("a", "b", "c", payload={"n": 1}))
        second.start_and_wait_for_lock(MANY, jobs=replacing("c", "b", "a", payload={"n": 2}))
        holder.run("commit")

        assert [row["created"] for row in first.result()] == [False] * 3
        assert [row["created"] for row in second.result()] == [False] * 3
    assert deadlocks(db) == 0
    # Whoever waits gives everything back first, so either may come last: but all of its batch.
    (last,) = db.rows("select distinct payload from forge.jobs")
    assert last["payload"] in ({"n": 1}, {"n": 2})


def test_a_batch_that_replaces_and_completions_by_id_do_not_deadlock(db: Database) -> None:
    """In the order of keys the batch would hold the later id and wait for the earlier one."""
    for key in ("b", "a"):
        db.rows(MANY, jobs=replacing(key))
    jobs = claimed(db, 2)
    ids, leases = [j["id"] for j in jobs], [j["lease"] for j in jobs]
    with racers(db, 3) as (holder, batch, worker):
        holder.run("begin")
        holder.run("select from forge.jobs where id = %(id)s for update", id=ids[0])
        batch.start_and_wait_for_lock(MANY, jobs=replacing("a", "b"))
        worker.start_and_wait_for_lock(
            "select forge.complete_many(%(ids)s, %(leases)s)", ids=ids, leases=leases
        )
        holder.run("commit")

        assert [row["created"] for row in batch.result()] == [True, True]
        assert len(worker.result()) == 2
    assert deadlocks(db) == 0


def test_a_batch_begins_anew_rather_than_wait_for_a_holder_that_came_later(
    db: Database,
) -> None:
    """While it waits for key a, somebody makes the holder of b, and locks it."""
    with racers(db, 3) as (first, batch, locker):
        first.run("begin")
        first.run(MANY, jobs=replacing("a"))
        batch.start_and_wait_for_lock(MANY, jobs=replacing("a", "b"))
        (late,) = db.rows(MANY, jobs=replacing("b"))
        locker.run("begin")
        locker.run("select from forge.jobs where id = %(id)s for update", id=late["id"])
        first.run("rollback")
        until(lambda: blocked_by(db, batch, locker))

        # It has taken back its own job of key a: who enqueues that does not wait for it.
        (taken,) = db.rows(MANY, jobs=replacing("a"))
        assert taken["created"]
        locker.run("commit")

        assert [row["created"] for row in batch.result()] == [False, False]
    assert deadlocks(db) == 0


def test_a_batch_that_waits_for_a_holder_lets_go_of_the_others(db: Database, pair: Pair) -> None:
    """While it waits for one holder it has no other, and keeps nobody from claiming that."""
    due = "2020-01-01T00:00:00Z"
    (first,) = db.rows("select forge.enqueue('t', scheduled_at => '2019-01-01Z') as id")
    db.rows(MANY, jobs=replacing("b", scheduled_at=due))
    db.rows(MANY, jobs=replacing("c", priority=5))
    claimer, batch = pair

    with gate_before(db, "forge._claim_key(bigint)", f"$1 = {first['id']}") as open_gate:
        claimer.start_and_wait_for_lock("select id from forge.dequeue(max_jobs => 3)")
        db.rows(MANY, jobs=replacing("b", scheduled_at=due))
        batch.start_and_wait_for_lock(MANY, jobs=replacing("b", "c", scheduled_at=due))
        open_gate()

        assert len(claimer.result()) == 3
        assert len(batch.result()) == 2
    assert deadlocks(db) == 0
