"""Many that fail, bury and revive at once: nobody waits for a counter, a queue or a key."""

from __future__ import annotations

from tests.concurrency.racing import Racer, claim, counts, deadlocks, status
from tests.database import Clock, Database

Pair = tuple[Racer, Racer]
FAIL = (
    "select status from forge.fail(%(id)s, %(lease)s, 'no', error_type => 'E', "
    "retryable => %(retryable)s)"
)


def claimed(db: Database, count: int) -> list[dict[str, object]]:
    db.rows("select forge.enqueue('t') from generate_series(1, %(n)s)", n=count)
    return claim(db, count)


def fail(racer: Racer, job: dict[str, object], *, retryable: bool = False) -> str:
    (row,) = racer.run(FAIL, id=job["id"], lease=job["lease"], retryable=retryable)
    found: str = row["status"]
    return found


def dead(db: Database, count: int) -> list[int]:
    jobs = claimed(db, count)
    for job in jobs:
        db.rows(FAIL, id=job["id"], lease=job["lease"], retryable=False)
    return [int(str(job["id"])) for job in jobs]


def tick(db: Database, clock: Clock) -> dict[str, int]:
    clock.advance(seconds=1)
    return {row["task"]: row["count"] for row in db.rows("select * from forge.tick()")}


def test_two_bury_jobs_of_one_error_and_neither_waits(db: Database, pair: Pair) -> None:
    jobs = claimed(db, 2)
    first, second = pair

    for racer, job in zip(pair, jobs, strict=True):
        racer.run("begin")
        assert fail(racer, job) == "DEAD"
    first.run("commit")
    second.run("commit")

    assert db.value("select jobs from forge.dead_groups()") == 2


def test_a_group_grows_while_the_tick_adds_it_up(db: Database, pair: Pair, clock: Clock) -> None:
    jobs = claimed(db, 2)
    first, second = pair
    fail(first, jobs[0])
    first.run("begin")
    clock.advance(seconds=1)
    counts(first)

    assert fail(second, jobs[1]) == "DEAD"
    assert db.value("select jobs from forge.dead_groups()") == 2
    first.run("commit")

    assert db.value("select jobs from forge.dead_groups()") == 2
    tick(db, clock)
    assert db.value("select jobs from forge.dead_groups()") == 2


def pausing(db: Database) -> None:
    db.rows("select forge.resume('default')")
    db.rows(
        "select forge.set_retry_rules(%(r)s)",
        r='[{"error_type": "E", "action": "pause", "retry_base": "1 hour"}]',
    )


def test_two_failures_that_pause_one_queue_do_not_wait_for_each_other(
    db: Database, pair: Pair, clock: Clock
) -> None:
    pausing(db)
    jobs = claimed(db, 2)
    for racer, job in zip(pair, jobs, strict=True):
        racer.run("begin")
        assert fail(racer, job, retryable=True) == "PENDING"
    for racer in pair:
        racer.run("commit")

    (queue,) = db.rows(
        "select paused_at is not null as paused, pause_reason from forge.list_queues()"
    )
    assert queue["paused"]
    assert queue["pause_reason"].startswith(f"rule E: job {jobs[0]['id']} ")
    assert "paused_queues" not in tick(db, clock)
    db.rows("select forge.resume('default')")
    assert "paused_queues" not in tick(db, clock)


def test_a_failure_does_not_wait_for_who_changes_the_queue(
    db: Database, pair: Pair, clock: Clock
) -> None:
    pausing(db)
    (job,) = claimed(db, 1)
    operator, worker = pair
    operator.run("begin")
    operator.run("select forge.set_queue('default', max_retries => 5)")

    assert fail(worker, job, retryable=True) == "PENDING"
    assert "paused_queues" not in tick(db, clock)
    operator.run("commit")

    assert db.value("select paused_at from forge.list_queues()") is None
    assert tick(db, clock)["paused_queues"] == 1
    assert db.value("select pause_reason from forge.list_queues()") is not None


def test_a_rule_that_is_replaced_by_two_is_the_later_ones(db: Database, pair: Pair) -> None:
    put = "select rule from forge.set_retry_rules(%(r)s::jsonb)"
    first, second = pair
    first.run("begin")
    first.run(put, r='[{"error": "a", "action": "retry"}, {"error": "b", "action": "retry"}]')
    second.start_and_wait_for_lock(put, r='[{"error": "c", "action": "retry"}]')
    first.run("commit")

    assert [row["rule"] for row in second.result()] == ["c"]
    assert [row["rule"] for row in db.rows("select rule from forge.list_retry_rules()")] == ["c"]


def test_two_revive_at_once_and_no_job_twice(db: Database, pair: Pair) -> None:
    ids = dead(db, 6)
    first, second = pair
    first.run("begin")
    mine = first.run("select id from forge.retry_dead(max_jobs => 3)")

    others = second.run("select id from forge.retry_dead(max_jobs => 10)")
    first.run("commit")

    assert sorted(row["id"] for row in mine + others) == ids
    assert db.rows("select distinct revivals from forge.jobs") == [{"revivals": 1}]


def test_one_discards_what_another_revives_and_each_has_its_own(db: Database, pair: Pair) -> None:
    ids = dead(db, 4)
    first, second = pair
    first.run("begin")
    first.run("select id from forge.retry_dead(max_jobs => 2)")

    gone = second.run("select id from forge.discard_dead()")
    first.run("rollback")

    assert [row["id"] for row in gone] == ids[2:]
    assert [status(db, i) for i in ids] == ["DEAD"] * 4
    assert db.value("select jobs from forge.dead_groups()") == 2


def test_two_ticks_work_off_a_revival_once(db: Database, pair: Pair, clock: Clock) -> None:
    dead(db, 20)
    db.rows("select id from forge.retry_dead(rate => 5)")
    first, second = pair
    clock.advance(seconds=1)
    first.run("begin")
    assert counts(first)["revived_jobs"] == 5
    assert counts(second) == {}
    first.run("commit")

    assert db.value("select revived from forge.list_revivals()") == 10


def test_the_tick_goes_past_a_revival_that_is_being_cancelled(
    db: Database, pair: Pair, clock: Clock
) -> None:
    dead(db, 20)
    db.rows("select id from forge.retry_dead(rate => 5)")
    operator, _ = pair
    operator.run("begin")
    operator.run("select forge.cancel_revival(id) from forge.list_revivals()")

    assert "revived_jobs" not in tick(db, clock)
    operator.run("commit")
    assert "revived_jobs" not in tick(db, clock)
    assert db.value("select status from forge.list_revivals()") == "CANCELLED"


def test_the_tick_waits_for_no_key_that_is_about_to_be_taken(
    db: Database, pair: Pair, clock: Clock
) -> None:
    (plain, keyed, last) = (
        db.value("select forge.enqueue('t', unique_key => %(k)s)", k=key)
        for key in (None, "k", "l")
    )
    for job in claim(db, 3):
        db.rows(FAIL, id=job["id"], lease=job["lease"], retryable=False)
    db.rows("select id from forge.retry_dead(rate => 1)")
    producer, ticker = pair
    producer.run("begin")
    producer.run("select forge.enqueue('t', unique_key => 'k')")
    before = deadlocks(db)

    ticker.run("set lock_timeout = '7s'")
    for _ in range(2):
        clock.advance(seconds=1)
        counts(ticker)
    assert ticker.run("show lock_timeout") == [{"lock_timeout": "7s"}]
    producer.run("commit")

    assert [status(db, i) for i in (plain, keyed, last)] == ["PENDING", "DEAD", "PENDING"]
    assert db.rows("select revived, kept from forge.list_revivals()") == [{"revived": 2, "kept": 1}]
    assert deadlocks(db) == before
