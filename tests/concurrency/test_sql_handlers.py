"""SQL handlers in sessions that others cancel, wait for, or lose."""

from __future__ import annotations

import psycopg
import pytest

from tests.concurrency.racing import Racer, claim, gone, racers, status
from tests.database import Clock, Database
from tests.procedures.calls import Calls
from tests.procedures.sql_handlers import handler

# Waits for whoever holds this key, and notes that it was there.
WAITS = """
    insert into public.effects values (payload ->> 'n');
    if payload ? 'wait' then perform pg_advisory_xact_lock(42); end if;
    return payload;
"""


@pytest.fixture
def waiting(db: Database) -> Calls:
    """A handler that waits for key 42 where its payload says so."""
    call = Calls(db.connect())
    handler(call, WAITS)
    return call


def hold(racer: Racer) -> None:
    racer.run("select pg_advisory_lock(42)")


def let_go(racer: Racer) -> None:
    racer.run("select pg_advisory_unlock(42)")


def test_statement_timeout_fails_the_job_and_keeps_what_was_done_before(
    db: Database, waiting: Calls
) -> None:
    first = waiting.enqueue("sql", payload={"n": "1"})
    stuck = waiting.enqueue("sql", payload={"n": "2", "wait": True})
    last = waiting.enqueue("sql", payload={"n": "3"})
    with racers(db) as (holder, runner):
        hold(holder)
        runner.run("set statement_timeout = '1s'")
        rows = runner.run("select * from forge.run()")
        let_go(holder)

    assert [(r["id"], r["status"]) for r in rows] == [(first, "COMPLETED"), (stuck, "PENDING")]
    assert (rows[1]["error_type"], status(db, last)) == ("57014", "PENDING")
    assert [r["n"] for r in db.rows("select n from public.effects")] == ["1"]


def test_a_job_that_comes_back_after_its_timeout_is_undone(
    db: Database, waiting: Calls, clock: Clock
) -> None:
    clock.freeze()
    handler(
        waiting,
        "insert into public.effects values ('late'); "
        "update forge_test.clock set frozen_at = frozen_at + interval '6 s'; return null;",
        type="slow",
        name="public.slow",
        timeout="5 s",
    )
    job_id = waiting.enqueue("slow")

    (row,) = waiting.rows("run")

    assert (row["id"], row["status"], row["error_type"]) == (job_id, "PENDING", "Timeout")
    assert row["error"] == "the attempt took longer than its timeout of 00:00:05"
    assert db.rows("select n from public.effects") == []


def test_a_cancelled_call_undoes_everything_and_counts_no_attempt(
    db: Database, waiting: Calls
) -> None:
    first = waiting.enqueue("sql", payload={"n": "1"})
    stuck = waiting.enqueue("sql", payload={"n": "2", "wait": True})
    with racers(db) as (holder, runner):
        hold(holder)
        runner.start_and_wait_for_lock("select * from forge.run()")
        runner.connection.cancel()
        with pytest.raises(psycopg.errors.QueryCanceled):
            runner.result()
        let_go(holder)

    rows = db.rows("select id, status, attempts, errors from forge.jobs order by id")
    assert [(r["id"], r["status"], r["attempts"], r["errors"]) for r in rows] == [
        (first, "PENDING", 0, None),
        (stuck, "PENDING", 0, None),
    ]
    assert db.rows("select n from public.effects") == []


def test_a_run_that_dies_leaves_its_jobs_as_they_were(db: Database, waiting: Calls) -> None:
    waiting.enqueue("sql", payload={"n": "1"})
    waiting.enqueue("sql", payload={"n": "2", "wait": True})
    with racers(db) as (holder, runner):
        hold(holder)
        runner.start_and_wait_for_lock("select * from forge.run()")
        gone(db, runner)
        let_go(holder)

    assert {(r["status"], r["attempts"]) for r in db.rows("select * from forge.jobs")} == {
        ("PENDING", 0)
    }
    assert len(waiting.rows("run")) == 2
    assert sorted(r["n"] for r in db.rows("select n from public.effects")) == ["1", "2"]


def test_two_runs_share_a_queue(db: Database, waiting: Calls) -> None:
    stuck = waiting.enqueue("sql", payload={"n": "1", "wait": True})
    other = waiting.enqueue("sql", payload={"n": "2"})
    with racers(db) as (holder, runner):
        hold(holder)
        runner.start_and_wait_for_lock("select * from forge.run()")
        assert [r["id"] for r in waiting.rows("run")] == [other]
        let_go(holder)
        assert [r["id"] for r in runner.result()] == [stuck]


def test_the_job_of_run_claimed_can_be_kept_and_cancelled_while_it_runs(
    db: Database, waiting: Calls
) -> None:
    job_id = waiting.enqueue("sql", payload={"n": "1", "wait": True})
    (job,) = claim(db)
    with racers(db) as (holder, runner):
        hold(holder)
        runner.start_and_wait_for_lock(
            "select * from forge.run_claimed(%(id)s, %(lease)s)", id=job_id, lease=job["lease"]
        )
        beat = "select * from forge.heartbeat('w', array[%(id)s], array[%(lease)s]::uuid[])"
        assert holder.run(beat, id=job_id, lease=job["lease"]) == []
        assert holder.run("select to_status from forge.cancel(%(id)s)", id=job_id)
        assert [r["reason"] for r in holder.run(beat, id=job_id, lease=job["lease"])] == [
            "cancel_requested"
        ]
        runner.connection.cancel()  # as its worker would
        with pytest.raises(psycopg.errors.QueryCanceled):
            runner.result()
        let_go(holder)

    assert status(db, job_id) == "PROCESSING"
    failed = waiting.rows("fail", id=job_id, lease=job["lease"], error="cancelled")
    assert [r["status"] for r in failed] == ["CANCELLED"]
    assert db.rows("select n from public.effects") == []


def test_a_lease_that_is_lost_meanwhile_undoes_the_work(db: Database, waiting: Calls) -> None:
    job_id = waiting.enqueue("sql", payload={"n": "1", "wait": True})
    (job,) = claim(db)
    with racers(db) as (holder, runner):
        hold(holder)
        runner.start_and_wait_for_lock(
            "select * from forge.run_claimed(%(id)s, %(lease)s)", id=job_id, lease=job["lease"]
        )
        holder.run("select forge.release(%(id)s, %(lease)s)", id=job_id, lease=job["lease"])
        (again,) = claim(db)
        let_go(holder)
        with pytest.raises(psycopg.Error) as caught:
            runner.result()

    assert caught.value.sqlstate == "JQ002"
    assert db.rows("select n from public.effects") == []
    assert waiting.rows("run_claimed", id=job_id, lease=again["lease"])[0]["status"] == "COMPLETED"


def test_the_work_of_one_claim_is_committed_once_though_it_is_asked_for_twice(
    db: Database, waiting: Calls
) -> None:
    """A worker whose connection was cut asks again, while the first call still runs."""
    job_id = waiting.enqueue("sql", payload={"n": "1", "wait": True})
    (job,) = claim(db)
    ask = "select * from forge.run_claimed(%(id)s, %(lease)s)"
    with racers(db, 3) as (holder, first, second):
        hold(holder)
        first.start_and_wait_for_lock(ask, id=job_id, lease=job["lease"])
        second.start_and_wait_for_lock(ask, id=job_id, lease=job["lease"])
        let_go(holder)
        told = []
        for racer in (first, second):
            try:
                told += [row["status"] for row in racer.result()]
            except psycopg.Error as error:
                told.append(error.sqlstate or "")

    assert sorted(told) == ["COMPLETED", "JQ002"]
    assert [r["n"] for r in db.rows("select n from public.effects")] == ["1"]


def test_a_deadlock_of_two_handlers_costs_one_of_them_an_attempt(
    db: Database, waiting: Calls
) -> None:
    waiting.select(
        "create table public.pair (id int primary key); insert into public.pair values (1), (2)"
    )
    handler(
        waiting,
        "perform from public.pair where id = (payload ->> 'first')::int for update; "
        "perform pg_advisory_xact_lock_shared(42); "
        "perform from public.pair for update; return null;",
        type="pair",
        name="public.pair",
    )
    waiting.enqueue("pair", payload={"first": 1})
    waiting.enqueue("pair", payload={"first": 2})
    with racers(db, 3) as (holder, one, two):
        hold(holder)
        for runner in (one, two):
            runner.run("set deadlock_timeout = '20ms'")
            runner.start_and_wait_for_lock("select * from forge.run(max_jobs => 1)")
        let_go(holder)
        rows = one.result() + two.result()

    assert sorted(r["status"] for r in rows) == ["COMPLETED", "PENDING"]
    assert {r["error_type"] for r in rows} == {None, "40P01"}
