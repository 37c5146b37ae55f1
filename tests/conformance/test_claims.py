"""Who gets which jobs, in what order, under what lease."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from tests.conformance.forge import Forge, seconds
from tests.database import Clock, Database


def test_a_claim_is_the_job_with_its_lease(forge: Forge, noon: Clock) -> None:
    payload = {"to": "ä \"b\" 'c' \\ $1", "large": 2**60 + 1, "list": [None, True, {"a": 1}]}
    job_id = forge.enqueue(
        payload=payload, priority=3, tags=["x", "y z"], max_retries=4, timeout=seconds(30)
    )

    (job,) = forge.claim(worker="the worker", lease=seconds(90))

    assert UUID(job.pop("lease")).version == 4
    assert job == {
        "id": job_id,
        "queue": "default",
        "type": "email",
        "payload": payload,
        "priority": 3,
        "attempts": 1,
        "max_retries": 4,
        "scheduled_at": noon.now,
        "created_at": noon.now,
        "attempted_at": noon.now,
        "lease_expires_at": noon.now + timedelta(seconds=35),
        "timeout": 30,
        "tags": ["x", "y z"],
        "concurrency_key": None,
        "schedule": None,
        "nominal_at": None,
    }
    found = forge.job(job_id)
    assert (found["status"], found["worker"]) == ("PROCESSING", "the worker")


def test_a_lease_is_a_minute_unless_asked_otherwise(forge: Forge, noon: Clock) -> None:
    for _ in range(2):
        forge.enqueue()

    (minute,), (hour,) = forge.claim(), forge.claim(lease=seconds(3600))

    assert minute["lease_expires_at"] - noon.now == timedelta(minutes=1)
    assert hour["lease_expires_at"] - noon.now == timedelta(hours=1)


def test_the_order_is_priority_then_time_then_id(forge: Forge, noon: Clock) -> None:
    early = noon.now - timedelta(hours=1)
    plan = [(0, noon.now), (0, early), (5, noon.now), (0, early), (-1, early), (5, early)]
    ids = [forge.enqueue(priority=p, scheduled_at=at) for p, at in plan]

    claimed = forge.claim(max_jobs=10)

    assert [row["id"] for row in claimed] == [ids[n] for n in (5, 2, 1, 3, 0, 4)]
    assert len({row["lease"] for row in claimed}) == 1
    assert forge.claim(max_jobs=10) == []


def test_a_job_is_due_at_its_time_and_not_before(forge: Forge, noon: Clock) -> None:
    job_id = forge.enqueue(scheduled_at=noon.now + timedelta(seconds=10), priority=100)
    noon.advance(seconds=9.999999)
    assert forge.claim() == []

    noon.advance(seconds=0.000001)
    assert [job["id"] for job in forge.claim()] == [job_id]


def test_a_claim_takes_no_more_than_it_asks_for(forge: Forge) -> None:
    ids = [forge.enqueue() for _ in range(3)]

    assert [job["id"] for job in forge.claim()] == ids[:1]
    assert [job["id"] for job in forge.claim(max_jobs=1000)] == ids[1:]


def test_types_leave_the_others_pending(forge: Forge) -> None:
    other, mine = forge.enqueue(type="b", priority=9), forge.enqueue(type="a")

    assert [job["id"] for job in forge.claim(max_jobs=5, types=["a", "c"])] == [mine]
    assert forge.claim(types=[]) == []
    assert forge.status(other) == "PENDING"
    assert [job["id"] for job in forge.claim(types=None)] == [other]


def test_a_claim_is_of_one_queue(forge: Forge) -> None:
    ids = [forge.enqueue(queue=queue) for queue in ("a", "b", "a")]

    assert [job["id"] for job in forge.claim(queue="a", max_jobs=5)] == [ids[0], ids[2]]
    assert forge.claim() == []


def test_a_paused_queue_gives_nothing_until_it_goes_on(forge: Forge, db: Database) -> None:
    job_id = forge.enqueue()
    db.rows("select forge.pause('default')")
    assert forge.claim() == forge.exchange()[0] == []

    db.rows("select forge.resume('default')")
    assert [job["id"] for job in forge.claim()] == [job_id]


def test_a_job_that_waits_for_another_is_not_claimed_before_that_is_done(forge: Forge) -> None:
    parent = forge.running()
    child = forge.enqueue(depends_on=[parent["id"]])
    assert forge.claim() == []

    forge.complete(parent, result={"token": "for the child"})

    assert [job["id"] for job in forge.claim()] == [child]
    (seen,) = forge.rows("parents", id=child)
    assert (seen["id"], seen["result"]) == (parent["id"], {"token": "for the child"})


def test_a_full_queue_of_a_limit_gives_nothing_until_a_job_ends(forge: Forge, db: Database) -> None:
    db.rows("select forge.set_limits('default', max_running => 1)")
    ids = [forge.enqueue() for _ in range(2)]
    (first,) = forge.claim(max_jobs=5)
    assert (first["id"], forge.claim()) == (ids[0], [])

    forge.complete(first)

    assert [job["id"] for job in forge.claim()] == [ids[1]]


WRONG: list[dict[str, Any]] = [
    {"queue": ""},
    {"queue": "q" * 201},
    {"queue": "a\nb"},
    {"worker": ""},
    {"max_jobs": 0},
    {"max_jobs": 1001},
    {"max_jobs": 2**31 - 1},
    {"lease": seconds(0.999)},
    {"lease": seconds(86_401)},
]


@pytest.mark.parametrize("function", ["dequeue", "exchange"])
def test_a_wrong_argument_claims_nothing(function: str, forge: Forge) -> None:
    job_id = forge.enqueue()

    for wrong in WRONG:
        refused = forge.refused("JQ001", function, **wrong)
        assert refused.detail.startswith(next(iter(wrong)))

    assert forge.status(job_id) == "PENDING"
