"""The fence: a lease that was lost, to whoever, changes nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest

from tests.conformance.driver import Row
from tests.conformance.forge import Forge, fence, seconds
from tests.database import Clock, Database

FENCED: dict[str, dict[str, Any]] = {
    "complete": {},
    "fail": {"error": "too late"},
    "release": {},
    "snooze": {"delay": seconds(60)},
    "progress": {"value": 0.5},
    "log": {"message": "too late"},
}


def to_another_worker(forge: Forge, db: Database, clock: Clock, job: Row) -> None:
    clock.advance(seconds=61)
    db.rows("select forge.tick()")
    (again,) = forge.claim(queue="running")
    assert (again["id"], again["attempts"]) == (job["id"], 2)
    assert again["lease"] != job["lease"]


def to_the_backoff(forge: Forge, db: Database, clock: Clock, job: Row) -> None:
    forge.fail(job)


def to_the_dead_letter_queue(forge: Forge, db: Database, clock: Clock, job: Row) -> None:
    forge.fail(job, retryable=False)


def to_a_cancellation(forge: Forge, db: Database, clock: Clock, job: Row) -> None:
    forge.rows("cancel", id=job["id"])
    forge.fail(job)


def by_giving_it_back(forge: Forge, db: Database, clock: Clock, job: Row) -> None:
    forge.rows("release", **fence(job))


def by_completing_it(forge: Forge, db: Database, clock: Clock, job: Row) -> None:
    forge.complete(job)


LOSSES = [
    to_another_worker,
    to_the_backoff,
    to_the_dead_letter_queue,
    to_a_cancellation,
    by_giving_it_back,
    by_completing_it,
]


def everything(db: Database) -> list[Any]:
    tables = ("jobs", "history", "dead_jobs", "job_logs")
    return [db.rows(f"select * from forge.{table} as t order by t::text") for table in tables]


@pytest.mark.parametrize("lose", LOSSES, ids=lambda lose: lose.__name__)
def test_a_stale_lease_changes_nothing(
    lose: Callable[..., None], forge: Forge, db: Database, noon: Clock
) -> None:
    job = forge.running()
    lose(forge, db, noon, job)
    before = everything(db)

    for function, arguments in FENCED.items():
        if (function, lose) == ("complete", by_completing_it):
            assert forge.complete(job) is False
        else:
            forge.refused("JQ002", function, **fence(job), **arguments)
    assert forge.beat(job) == {job["id"]: "lease_lost"}
    assert forge.exchange(job, queue="empty") == ([], [job["id"]])

    assert everything(db) == before


def test_a_lease_is_of_one_job_and_its_queue(forge: Forge, db: Database) -> None:
    mine, other = forge.running(), forge.running()
    before = everything(db)

    for wrong in (
        {"lease": other["lease"]},
        {"lease": str(uuid4())},
        {"id": 2**62},
        {"queue": "another"},
    ):
        for function, arguments in FENCED.items():
            forge.refused("JQ002", function, **{**fence(mine), **wrong}, **arguments)

    assert everything(db) == before


def test_an_expired_lease_is_good_until_a_tick_takes_it(forge: Forge, noon: Clock) -> None:
    job = forge.running()
    noon.advance(hours=1)

    assert forge.complete(job) is True


def test_completing_again_by_the_same_lease_is_told_and_harmless(forge: Forge) -> None:
    job = forge.running()

    assert [forge.complete(job, result={"n": n}) for n in (1, 2)] == [True, False]

    assert forge.job(job["id"])["result"] == {"n": 1}
