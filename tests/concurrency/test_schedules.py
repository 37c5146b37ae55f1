"""Schedules in a race: whoever ticks, a run comes once, and none is lost."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import psycopg
import pytest

from tests.concurrency.racing import Racer, deadlocks, gone
from tests.database import Clock, Database
from tests.procedures.conftest import NOON

Pair = tuple[Racer, Racer]

SCHEDULE = """
select next_at
from forge.schedule(%(name)s, %(cron)s, 't', catch_up => 'all', catch_up_limit => 1000)
"""
FIRE = "select task, count from forge._fire_schedules(forge.now()) where count > 0"
TICK = "select task, count from forge.tick() where task = 'schedules'"
STEER = {
    "run now": "select forge.run_schedule('s')",
    "pause": "select paused_at from forge.pause_schedule('s')",
    "resume": "select next_at from forge.resume_schedule('s')",
    "remove": "select name from forge.unschedule('s')",
    "set": "select name from forge.schedule('s', '@daily', 't')",
}


def schedule(db: Database, name: str = "s", cron: str = "* * * * *") -> None:
    db.rows(SCHEDULE, name=name, cron=cron)


def fired(db: Database) -> Counter[tuple[str, str]]:
    jobs = db.rows("select schedule, nominal_at::text as at from forge.all_jobs")
    return Counter((job["schedule"], job["at"]) for job in jobs)


@pytest.fixture
def due(db: Database, clock: Clock) -> Database:
    """A database whose schedule `s` has one run that is due."""
    clock.set(NOON)
    schedule(db)
    clock.advance(minutes=1)
    return db


@pytest.mark.parametrize("statement", [TICK, FIRE], ids=["with the tick's lock", "without"])
def test_ten_that_tick_at_once_fire_every_run_once(
    db: Database, clock: Clock, statement: str
) -> None:
    """Without the lock that ticks take, the rows alone must do."""
    clock.set(NOON)
    for n in range(10):
        schedule(db, f"s{n}", "every 10 seconds")
    connections = [db.connect() for _ in range(10)]
    start = Barrier(10)

    def tick(connection: psycopg.Connection[dict[str, object]]) -> None:
        start.wait()
        for _ in range(15):
            connection.execute(statement.encode()).fetchall()

    with ThreadPoolExecutor(10) as pool:
        ticking = [pool.submit(tick, connection) for connection in connections]
        for _ in range(30):
            clock.advance(seconds=20)
        for each in ticking:
            each.result()
    db.rows(TICK)

    runs = fired(db)
    assert set(runs.values()) == {1}
    assert len(runs) == 10 * 60
    assert deadlocks(db) == 0


def test_what_another_session_is_firing_is_left_to_it(due: Database, pair: Pair) -> None:
    first, second = pair
    first.run("begin")
    assert first.run(FIRE) == [{"task": "schedules", "count": 1}]

    assert second.run(FIRE) == []
    first.run("commit")

    assert second.run(FIRE) == []
    assert sum(fired(due).values()) == 1


@pytest.mark.parametrize("end", ["rollback", "crash"])
def test_a_run_that_was_not_committed_comes_with_the_next_tick(
    end: str, due: Database, pair: Pair
) -> None:
    first, second = pair
    first.run("begin")
    first.run(TICK)

    if end == "crash":
        gone(due, first)
    else:
        first.run("rollback")

    assert second.run(TICK) == [{"task": "schedules", "count": 1}]
    assert sum(fired(due).values()) == 1


def test_a_run_that_came_due_while_nobody_was_there_is_not_missed(
    due: Database, clock: Clock
) -> None:
    clock.advance(hours=5)  # as after a restart: all that is known is in the table

    assert due.rows(TICK) == [{"task": "schedules", "count": 301}]
    assert set(fired(due).values()) == {1}


@pytest.mark.parametrize("change", STEER)
def test_who_steers_waits_for_the_tick_and_undoes_none_of_it(
    change: str, due: Database, pair: Pair
) -> None:
    ticking, steering = pair
    ticking.run("begin")
    ticking.run(TICK)

    steering.start_and_wait_for_lock(STEER[change])
    ticking.run("commit")

    steering.result()
    assert due.rows(TICK) == []
    assert sum(fired(due).values()) == 1 + (change == "run now")


@pytest.mark.parametrize("change", STEER)
def test_the_tick_does_not_wait_for_who_steers(change: str, due: Database, pair: Pair) -> None:
    steering, ticking = pair
    schedule(due, "other")
    due.rows("update forge.schedules set due_at = forge.now(), next_at = forge.now()")
    steering.run("begin")
    steering.run(STEER[change])

    assert ticking.run(TICK) == [{"task": "schedules", "count": 1}]

    steering.run("rollback")
    assert ticking.run(TICK) == [{"task": "schedules", "count": 1}]


def test_two_who_make_the_same_schedule_make_one(db: Database, pair: Pair) -> None:
    first, second = pair
    first.run("begin")
    first.run(SCHEDULE, name="s", cron="@hourly")
    second.start_and_wait_for_lock(SCHEDULE, name="s", cron="@daily")
    first.run("commit")

    second.result()
    assert db.rows("select name, cron from forge.list_schedules()") == [
        {"name": "s", "cron": "@daily"}
    ]
