"""Turns and limits with two sessions, step by step."""

from __future__ import annotations

import pytest

from tests.concurrency.racing import Racer, claim, deadlocks, gone, until
from tests.database import Database

Pair = tuple[Racer, Racer]
ENQUEUE = "select forge.enqueue('t', concurrency_key => %(key)s) as id"
SETTLED = "update forge.limits set settled = true"


def turns(db: Database) -> int:
    count: int = db.value("select count(*) from forge.turns")
    return count


def test_a_job_that_is_just_being_enqueued_keeps_its_turn(db: Database, pair: Pair) -> None:
    enqueuer, _ = pair
    db.rows(ENQUEUE, key="a")
    enqueuer.run("begin")
    enqueuer.run(ENQUEUE, key="a")  # relies on the turn of the first

    assert len(claim(db)) == 1
    assert claim(db) == []
    assert turns(db) == 1
    enqueuer.run("commit")

    assert len(claim(db)) == 1
    assert turns(db) == 0


def test_an_enqueue_never_waits_for_a_claim_nor_loses_its_job_to_it(
    db: Database, pair: Pair
) -> None:
    claimer, _ = pair
    db.rows(ENQUEUE, key="a")
    claimer.run("begin")
    assert len(claimer.run("select * from forge.dequeue()")) == 1  # has dropped the turn

    db.rows(ENQUEUE, key="a")
    claimer.run("commit")

    assert len(claim(db)) == 1


def test_two_who_enqueue_for_a_new_key_do_not_wait_for_each_other(db: Database, pair: Pair) -> None:
    for racer in pair:
        racer.run("begin")
        racer.run(ENQUEUE, key="a")
    for racer in pair:
        racer.run("commit")

    assert len(claim(db, 10)) == 2
    assert turns(db) == 0


def test_a_turn_that_was_rolled_back_is_nobodys(db: Database, pair: Pair) -> None:
    enqueuer, other = pair
    enqueuer.run("begin")
    enqueuer.run(ENQUEUE, key="a")
    other.run(ENQUEUE, key="a")
    enqueuer.run("rollback")

    assert len(claim(db, 10)) == 1


@pytest.mark.parametrize("isolation", ["repeatable read", "serializable"])
def test_who_enqueues_with_one_snapshot_is_not_disturbed(
    db: Database, pair: Pair, isolation: str
) -> None:
    enqueuer, _ = pair
    db.rows(ENQUEUE, key="a")
    enqueuer.run(f"begin isolation level {isolation}")
    enqueuer.run("select count(*) from forge.turns")
    db.rows(ENQUEUE, key="a")
    claim(db)  # changes the turn after that snapshot

    enqueuer.run(ENQUEUE, key="a")
    enqueuer.run("commit")

    assert len(claim(db, 10)) == 2
    assert turns(db) == 0


def test_a_key_is_not_claimed_twice_over_its_limit(db: Database, pair: Pair) -> None:
    first, second = pair
    db.rows("select forge.set_limits('default', key_max_running => 1)")
    db.rows(SETTLED)
    for _ in range(3):
        db.rows(ENQUEUE, key="a")
    db.rows("insert into forge.turns (queue, key, turn_at) select 'default', 'a', forge.now()")
    with db.connect(autocommit=False) as enqueuer:
        # somebody relies on the second turn, so that the first claim cannot take it away
        enqueuer.execute("select from forge.turns order by ticket desc limit 1 for key share")
        first.run("begin")
        assert len(first.run("select * from forge.dequeue()")) == 1

        assert second.run("select * from forge.dequeue()") == []

        first.run("commit")
    assert second.run("select * from forge.dequeue()") == []


def test_a_claim_that_dies_gives_its_place_back(db: Database, pair: Pair) -> None:
    first, second = pair
    db.rows("select forge.set_limits('default', max_running => 1, rate => 1, per => '1 day')")
    db.rows(ENQUEUE, key="a")
    first.run("begin")
    assert len(first.run("select * from forge.dequeue()")) == 1
    assert second.run("select * from forge.dequeue()") == []

    gone(db, first)

    assert len(second.run("select * from forge.dequeue()")) == 1


def test_an_end_that_is_not_yet_committed_still_has_its_place(db: Database, pair: Pair) -> None:
    ender, other = pair
    db.rows("select forge.set_limits('default', key_max_running => 1)")
    db.rows(SETTLED)
    for _ in range(2):
        db.rows(ENQUEUE, key="a")
    (job,) = claim(db)
    assert turns(db) == 0
    ender.run("begin")
    ender.run("select forge.complete(%(id)s, %(lease)s)", **job)

    assert other.run("select * from forge.dequeue()") == []
    ender.run("commit")

    assert len(other.run("select * from forge.dequeue()")) == 1


def test_a_claim_looks_again_before_it_drops_the_turn_that_an_end_relies_on(
    db: Database, pair: Pair
) -> None:
    ender, other = pair
    db.rows("select forge.set_limits('default', key_max_running => 1)")
    db.rows(SETTLED)
    for _ in range(2):
        db.rows(ENQUEUE, key="a")
    (job,) = claim(db)
    db.rows(ENQUEUE, key="a")  # a turn for a key that is full
    ender.run("begin")
    ender.run("select forge.complete(%(id)s, %(lease)s)", **job)  # takes hold of it

    assert other.run("select * from forge.dequeue()") == []
    assert turns(db) == 1
    ender.run("commit")

    assert len(other.run("select * from forge.dequeue()")) == 1


def test_a_claim_from_before_a_limit_counts_once_a_tick_has_seen_it(
    db: Database, pair: Pair
) -> None:
    old, ticker = pair
    db.rows("select forge.enqueue('t') from generate_series(1, 5)")
    old.run("begin")
    claimed = old.run("select * from forge.dequeue(max_jobs => 2, lease => '1 day')")
    assert len(claimed) == 2

    db.rows("select forge.set_limits('default', max_running => 3)")
    for _ in range(3):
        ticker.run("select forge.tick()")
        ticker.run("update forge_test.clock set shift = shift + '1 second'")
    assert db.value("select settled from forge.limits") is False
    old.run("commit")

    def settled() -> bool:
        ticker.run("select forge.tick()")
        ticker.run("update forge_test.clock set shift = shift + '1 second'")
        return bool(db.value("select settled from forge.limits"))

    until(settled)  # any older transaction of the server puts it off
    assert len(claim(db, 10)) == 1


def test_a_queue_is_not_dropped_under_a_job_that_is_being_enqueued(
    db: Database, pair: Pair
) -> None:
    enqueuer, dropper = pair
    db.rows(ENQUEUE, key="a")
    enqueuer.run("begin")
    enqueuer.run(ENQUEUE, key="a")

    assert dropper.run("select forge.drop_queue('default') as done") == [{"done": False}]
    enqueuer.run("commit")

    assert len(claim(db)) == 1


def test_an_end_in_a_full_queue_wakes_who_sleeps(db: Database, pair: Pair) -> None:
    sleeper, worker = pair
    db.rows("select forge.set_limits('default', max_running => 1)")
    db.rows("select forge.enqueue('t') from generate_series(1, 2)")
    (job,) = worker.run("select * from forge.dequeue()")
    sleeper.connection.autocommit = True
    sleeper.run("listen forge")
    assert sleeper.run("select forge.park('{default}')") == []

    worker.run("select forge.complete(%(id)s, %(lease)s)", **job)

    (call,) = sleeper.connection.notifies(timeout=5, stop_after=1)
    assert call.payload == "default"
    sleeper.run("select forge.unpark()")
    assert deadlocks(db) == 0


def test_limits_take_no_more_locks_than_keys_and_jobs(db: Database, pair: Pair) -> None:
    claimer, _ = pair
    db.rows("select forge.set_limits('default', max_running => 100, key_max_running => 1)")
    for number in range(30):
        db.rows(ENQUEUE, key=f"k{number}")
        db.rows(ENQUEUE, key=f"k{number}")
    claimer.run("begin")

    assert len(claimer.run("select * from forge.dequeue(max_jobs => 10)")) == 10

    (held,) = claimer.run(
        "select count(*) as all, count(*) filter (where classid::bigint & 65535 = 1) as claims"
        " from pg_locks where locktype = 'advisory' and pid = pg_backend_pid()"
    )
    assert held == {"all": 10 + 10 + 1, "claims": 10}
    claimer.run("rollback")
