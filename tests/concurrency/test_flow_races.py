"""Flows: whoever ends the last parent frees the child, though they cannot see each other."""

from __future__ import annotations

from typing import Any

import pytest

from tests.concurrency.racing import Racer, counts, status, until
from tests.database import Database

Pair = tuple[Racer, Racer]
COMPLETE = "select forge.complete(%(id)s, %(lease)s)"
DIE = "select forge.fail(%(id)s, %(lease)s, 'no', false)"
CHILD = "select forge.enqueue('child', depends_on => %(parents)s, on_parent_failure => %(policy)s)"


def running(db: Database, count: int = 2) -> list[dict[str, Any]]:
    for _ in range(count):
        db.rows("select forge.enqueue('parent', queue => 'parents')")
    rows = db.rows("select id, lease from forge.dequeue('parents', 'w', %(n)s)", n=count)
    return [dict(row) for row in rows]


def child_of(db: Database, *parents: dict[str, Any], policy: str = "wait") -> int:
    found: int = db.value(CHILD, parents=[p["id"] for p in parents], policy=policy)
    settled(db, found)
    return found


def ripe(db: Database) -> list[str]:
    rows = db.rows("select task from forge.ripe_jobs order by task")
    return [row["task"] for row in rows]


def tick(db: Database) -> None:
    db.rows("select forge.tick()")


def settled(db: Database, job_id: int) -> str:
    """The status of a job once the tick has nothing left to look at.

    As long as any transaction of the server runs that is older, it may look once more.
    """

    def quiet() -> bool:
        tick(db)
        return not ripe(db)

    until(quiet)
    return status(db, job_id)


@pytest.mark.parametrize("commits", [(0, 1), (1, 0)], ids=["in order", "the other way round"])
def test_two_parents_that_end_at_once_free_the_child(
    db: Database, pair: Pair, commits: tuple[int, int]
) -> None:
    parents = running(db)
    child = child_of(db, *parents)
    for racer, parent in zip(pair, parents, strict=True):
        racer.run("begin")
        racer.run(COMPLETE, **parent)
    for number in commits:
        pair[number].run("commit")

    assert status(db, child) == "WAITING"  # nobody could tell
    tick(db)
    assert (status(db, child), ripe(db)) == ("PENDING", [])


def test_a_parent_that_ends_after_the_other_committed_frees_the_child_itself(
    db: Database, pair: Pair
) -> None:
    parents = running(db)
    child = child_of(db, *parents)
    first, second = pair
    first.run("begin")
    first.run(COMPLETE, **parents[0])
    second.run("begin")
    first.run("commit")
    second.run(COMPLETE, **parents[1])
    second.run("commit")

    assert (status(db, child), ripe(db)) == ("PENDING", [])


@pytest.mark.parametrize("back", [0, 1])
def test_of_two_parents_that_end_at_once_one_rolls_back(
    db: Database, pair: Pair, back: int
) -> None:
    parents = running(db)
    child = child_of(db, *parents)
    for racer, parent in zip(pair, parents, strict=True):
        racer.run("begin")
        racer.run(COMPLETE, **parent)
    pair[1 - back].run("commit")
    tick(db)
    assert status(db, child) == "WAITING"
    pair[back].run("rollback")
    assert settled(db, child) == "WAITING"

    pair[back].run(COMPLETE, **parents[back])
    assert status(db, child) == "PENDING"


def test_the_tick_waits_for_a_parent_whose_end_takes_long_to_commit(
    db: Database, pair: Pair
) -> None:
    parents = running(db)
    child = child_of(db, *parents)
    slow, quick = pair
    slow.run("begin")
    slow.run(COMPLETE, **parents[0])
    quick.run(COMPLETE, **parents[1])
    for _ in range(3):
        tick(db)
        assert (status(db, child), ripe(db)) == ("WAITING", ["free"])
    slow.run("commit")
    assert settled(db, child) == "PENDING"


@pytest.mark.parametrize("first", ["the child", "the parent"])
@pytest.mark.parametrize("end", [COMPLETE, DIE], ids=["complete", "fail"])
def test_a_child_that_is_enqueued_while_its_parent_ends(
    db: Database, pair: Pair, first: str, end: str
) -> None:
    """Each commits without a sight of the other, in either order."""
    (parent,) = running(db, 1)
    producer, worker = pair
    producer.run("begin")
    (row,) = producer.run(CHILD, parents=[parent["id"]], policy="run")
    worker.run("begin")
    worker.run(end, **parent)
    for racer in (producer, worker) if first == "the child" else (worker, producer):
        racer.run("commit")
        tick(db)

    assert settled(db, row["enqueue"]) == "PENDING"


def test_the_tick_does_not_forget_a_child_whose_parent_is_just_ending(
    db: Database, pair: Pair
) -> None:
    """The worker looked for children before there was one, and commits after the tick looked."""
    (parent,) = running(db, 1)
    worker, _ = pair
    worker.run("begin")
    worker.run(COMPLETE, **parent)
    child = db.value(CHILD, parents=[parent["id"]], policy="wait")
    for _ in range(3):
        tick(db)
        assert (status(db, child), ripe(db)) == ("WAITING", ["look"])
    worker.run("commit")
    assert settled(db, child) == "PENDING"


@pytest.mark.parametrize(
    ("policy", "outcome"), [("wait", "WAITING"), ("run", "PENDING"), ("cancel", "CANCELLED")]
)
def test_a_parent_that_dies_unseen_counts_by_the_policy(
    db: Database, pair: Pair, policy: str, outcome: str
) -> None:
    (parent,) = running(db, 1)
    worker, _ = pair
    worker.run("begin")
    worker.run(DIE, **parent)
    child = db.value(CHILD, parents=[parent["id"]], policy=policy)
    worker.run("commit")
    assert settled(db, child) == outcome


@pytest.mark.parametrize("level", ["repeatable read", "serializable"])
def test_a_completion_under_an_old_snapshot_frees_a_child_that_it_cannot_see(
    db: Database, pair: Pair, level: str
) -> None:
    (parent,) = running(db, 1)
    handler, _ = pair
    handler.run(f"begin isolation level {level}")
    handler.run("select 1")
    child = child_of(db, parent)
    handler.run(COMPLETE, **parent)
    handler.run("commit")
    assert ripe(db) == ["spread"]
    assert settled(db, child) == "PENDING"


@pytest.mark.parametrize("end", [COMPLETE, DIE], ids=["complete", "fail"])
def test_nobody_waits_for_the_row_of_a_child(db: Database, pair: Pair, end: str) -> None:
    (parent,) = running(db, 1)
    policy, outcome = ("wait", "PENDING") if end is COMPLETE else ("cancel", "CANCELLED")
    child = child_of(db, parent, policy=policy)
    holder, worker = pair
    holder.run("begin")
    holder.run("select from forge.jobs where id = %(id)s for update", id=child)
    worker.run("set lock_timeout = '50ms'")
    worker.run(end, **parent)
    tick(db)
    assert status(db, child) == "WAITING"
    holder.run("commit")
    assert settled(db, child) == outcome


def test_a_child_that_is_being_cancelled_stays_cancelled(db: Database, pair: Pair) -> None:
    (parent,) = running(db, 1)
    child = child_of(db, parent)
    operator, worker = pair
    operator.run("begin")
    operator.run("select forge.cancel(%(id)s)", id=child)
    worker.run(COMPLETE, **parent)
    operator.run("commit")
    assert settled(db, child) == "CANCELLED"


def test_a_cancel_that_waited_for_a_child_to_be_freed_cancels_it(db: Database, pair: Pair) -> None:
    (parent,) = running(db, 1)
    child = child_of(db, parent)
    worker, operator = pair
    worker.run("begin")
    worker.run(COMPLETE, **parent)
    operator.start_and_wait_for_lock("select to_status from forge.cancel(%(id)s)", id=child)
    worker.run("commit")
    assert operator.result() == [{"to_status": "CANCELLED"}]


def test_a_parent_that_was_retried_unseen_frees_its_child(db: Database, pair: Pair) -> None:
    """The child is enqueued on a dead job while another session revives and completes it."""
    (parent,) = running(db, 1)
    db.rows(DIE, **parent)
    producer, operator = pair
    producer.run("begin")
    (row,) = producer.run(CHILD, parents=[parent["id"]], policy="wait")
    operator.run("select forge.retry(%(id)s)", id=parent["id"])
    operator.run("select forge.complete(d.id, d.lease) from forge.dequeue('parents') as d")
    producer.run("commit")
    assert settled(db, row["enqueue"]) == "PENDING"


def test_a_batch_is_not_closed_over_a_job_that_is_being_added(db: Database, pair: Pair) -> None:
    batch = db.value("select forge.open_batch('callback')")
    producer, closer = pair
    producer.run("begin")
    (row,) = producer.run("select forge.enqueue('t', batch => %(b)s)", b=batch)
    closed = closer.run("select to_status from forge.close_batch(%(b)s)", b=batch)
    assert closed == [{"to_status": "WAITING"}]
    tick(db)
    assert (status(db, batch), ripe(db)) == ("WAITING", ["close"])
    producer.run("commit")
    assert settled(db, batch) == "WAITING"
    db.rows("select forge.cancel(%(id)s)", id=row["enqueue"])
    assert status(db, batch) == "PENDING"


@pytest.mark.parametrize("level", ["read committed", "repeatable read"])
def test_no_job_comes_into_a_batch_that_is_being_closed(
    db: Database, pair: Pair, level: str
) -> None:
    batch = db.value("select forge.open_batch('callback')")
    closer, producer = pair
    producer.run(f"begin isolation level {level}")
    producer.run("select 1")
    closer.run("begin")
    closer.run("select forge.close_batch(%(b)s)", b=batch)
    producer.run("savepoint s")
    with pytest.raises(Exception, match="status of the job does not allow this"):
        producer.run("select forge.enqueue('t', batch => %(b)s)", b=batch)
    producer.run("rollback to s")
    closer.run("commit")
    # that it has been closed is seen now, or the old snapshot is no longer good enough
    with pytest.raises(Exception, match=r"status of the job|could not serialize"):
        producer.run("select forge.enqueue('t', batch => %(b)s)", b=batch)
    producer.run("rollback")
    assert status(db, batch) == "PENDING"


def test_two_batches_cannot_be_tied_to_each_other_at_once(db: Database, pair: Pair) -> None:
    one, two = (db.value("select forge.open_batch('callback')") for _ in range(2))
    tie = "select forge.enqueue('t', batch => %(b)s, depends_on => array[%(on)s]::bigint[])"
    first, second = pair
    first.run("begin")
    first.run(tie, b=one, on=two)
    second.run("begin")
    with pytest.raises(Exception, match="status of the job") as refused:
        second.run(tie, b=two, on=one)
    second.run("rollback")
    assert "try again" in str(refused.value.diag.message_hint)  # type: ignore[attr-defined]
    first.run("commit")
    with pytest.raises(Exception, match="status of the job"):
        second.run(tie, b=two, on=one)


def test_a_second_tick_does_nothing_to_what_the_first_has_taken(db: Database, pair: Pair) -> None:
    parents = running(db)
    child_of(db, *parents)
    for racer, parent in zip(pair, parents, strict=True):
        racer.run("begin")
        racer.run(COMPLETE, **parent)
    for racer in pair:
        racer.run("commit")
    first, second = pair
    first.run("begin")
    assert counts(first)["flows"] == 1
    assert counts(second) == {}
    first.run("rollback")
    assert counts(second)["flows"] == 1
