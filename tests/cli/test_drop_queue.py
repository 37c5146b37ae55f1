"""forge.drop_queue: what a bench ends with, and who else wants a queue to be gone."""

from __future__ import annotations

import psycopg
import pytest

from tests.database import Database

GONE = "select forge.drop_queue(%(queue)s, max_jobs => %(max_jobs)s)"


def gone(db: Database, queue: str = "q", max_jobs: int = 1000) -> bool:
    return bool(db.value(GONE, queue=queue, max_jobs=max_jobs))


def fill(db: Database, queue: str = "q") -> None:
    """A job in each place."""
    enqueue = "select forge.enqueue('t', queue => %s, max_retries => 0)"
    claim = "from forge.dequeue(queue => %s) as j,"
    db.rows(enqueue, queue)
    db.rows(f"select c {claim} forge.complete(j.id, j.lease) as c", queue)
    db.rows(enqueue, queue)
    db.rows(f"select f.* {claim} forge.fail(j.id, j.lease, 'x') as f", queue)
    db.rows(enqueue, queue)
    db.rows("select forge.dequeue(queue => %s)", queue)
    db.rows(enqueue, queue)
    db.rows("select forge.pause(%s)", queue)


def traces(db: Database, queue: str = "q") -> int:
    tables = ("jobs", "history", "dead_jobs", "queues", "queue_totals", "tallies")
    counts = (f"select count(*) as n from forge.{t} where queue = %(q)s" for t in tables)
    return int(db.value(f"select sum(n) from ({' union all '.join(counts)}) as c", q=queue))


def test_nothing_is_left_of_it_and_all_of_the_others(db: Database) -> None:
    fill(db)
    fill(db, "other")
    others = traces(db, "other")

    assert gone(db)

    assert (traces(db), traces(db, "other")) == (0, others)


def test_each_call_is_bounded(db: Database) -> None:
    fill(db)

    assert [gone(db, max_jobs=1) for _ in range(5)] == [False] * 4 + [True]


def test_a_row_or_a_tick_of_somebody_else_is_waited_out_by_calling_again(db: Database) -> None:
    db.rows("select forge.enqueue('t', queue => 'q')")
    other = db.connect(autocommit=False)
    other.execute("select from forge.jobs for update")
    assert not gone(db)
    other.rollback()
    other.execute("select forge.tick()")
    assert not gone(db)
    other.rollback()

    assert gone(db)


def test_who_runs_one_of_its_jobs_has_lost_the_lease(db: Database) -> None:
    db.rows("select forge.enqueue('t', queue => 'q')")
    (job,) = db.rows("select * from forge.dequeue(queue => 'q')")

    assert gone(db)

    with pytest.raises(psycopg.Error) as refused:
        db.rows("select forge.complete(%s, %s)", job["id"], job["lease"])
    assert refused.value.sqlstate == "JQ002"


@pytest.mark.parametrize(
    "arguments",
    [
        "null",
        "''",
        "repeat('q', 500)",
        "'q', after => -1",
        "'q', after => null",
        "'q', max_jobs => 0",
        "'q', max_jobs => 10001",
        "'q', max_jobs => null",
    ],
)
def test_bad_arguments_change_nothing(db: Database, arguments: str) -> None:
    fill(db)
    before = traces(db)

    with pytest.raises(psycopg.Error) as refused:
        db.rows(f"select forge.drop_queue({arguments})")

    assert (refused.value.sqlstate, traces(db)) == ("JQ001", before)
