"""20_claim: who gets which jobs, in what order, under what lease."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.database import Clock, Database
from tests.procedures.calls import Calls


def test_a_claim_is_the_job_with_its_lease(call: Calls, noon: Clock) -> None:
    job_id = call.enqueue(payload={"a": 1}, priority=3, tags=["x"], max_retries=4)

    job = call.claim(worker="w", lease="90 seconds")

    assert job.pop("lease").version == 4
    assert job == {
        "id": job_id,
        "queue": "default",
        "type": "email",
        "payload": {"a": 1},
        "priority": 3,
        "attempts": 1,
        "max_retries": 4,
        "scheduled_at": noon.now,
        "created_at": noon.now,
        "attempted_at": noon.now,
        "lease_expires_at": noon.now + timedelta(seconds=90),
        "timeout": None,
        "tags": ["x"],
        "concurrency_key": None,
        "schedule": None,
        "nominal_at": None,
    }
    assert call.job(job_id)["worker"] == "w"


def test_the_order_is_priority_then_time_then_id(call: Calls, noon: Clock) -> None:
    early = noon.now - timedelta(hours=1)
    plan = [(0, noon.now), (0, early), (5, noon.now), (0, early), (-1, early), (5, early)]
    ids = [call.enqueue(priority=p, scheduled_at=at) for p, at in plan]

    claimed = [row["id"] for row in call.rows("dequeue", max_jobs=10)]

    assert claimed == [ids[n] for n in (5, 2, 1, 3, 0, 4)]
    assert call.rows("dequeue") == []


@pytest.mark.parametrize("function", ["dequeue", "exchange"])
def test_a_claim_of_few_takes_those_that_were_due_first(
    call: Calls, noon: Clock, function: str
) -> None:
    ids = [
        call.enqueue(scheduled_at=noon.now - timedelta(minutes=minutes))
        for minutes in (1, 4, 2, 4, 3)
    ]

    order = [[row["id"] for row in call.rows(function, max_jobs=2)] for _ in range(3)]

    assert order == [[ids[1], ids[3]], [ids[4], ids[2]], [ids[0]]]


def test_one_by_one_or_many_at_once_is_the_same_order(call: Calls) -> None:
    ids = [call.enqueue(priority=p) for p in (0, 32767, -32768, 1)]

    assert [call.claim()["id"] for _ in ids] == [ids[n] for n in (1, 3, 0, 2)]


def test_a_job_is_due_at_its_time_and_not_before(call: Calls, noon: Clock) -> None:
    job_id = call.enqueue(scheduled_at=noon.now + timedelta(seconds=10), priority=100)
    assert call.rows("dequeue") == []

    noon.advance(seconds=9.999999)
    assert call.rows("dequeue") == []

    noon.advance(seconds=0.000001)
    assert call.claim()["id"] == job_id


def test_types_leave_the_others_pending(call: Calls) -> None:
    other, mine = call.enqueue(type="b", priority=9), call.enqueue(type="a")

    assert [row["id"] for row in call.rows("dequeue", max_jobs=5, types=["a", "c"])] == [mine]
    assert call.rows("dequeue", types=[]) == []
    assert call.status(other) == "PENDING"


def test_one_claim_is_of_one_queue_and_under_one_lease(call: Calls) -> None:
    ids = [call.enqueue(queue=q) for q in ("a", "b", "a")]

    rows = call.rows("dequeue", queue="a", max_jobs=5)

    assert [row["id"] for row in rows] == [ids[0], ids[2]]
    assert len({row["lease"] for row in rows}) == 1


def test_a_thousand_at_once_are_the_most(call: Calls) -> None:
    call.enqueue_many(*[{"type": "t"}] * 1001)

    assert len(call.rows("dequeue", max_jobs=1000)) == 1000
    assert len(call.rows("dequeue", max_jobs=1000)) == 1


def test_a_paused_queue_gives_nothing_until_it_goes_on(call: Calls) -> None:
    job_id = call.enqueue()
    call.rows("pause", queue="default")
    assert call.rows("dequeue") == call.rows("exchange") == []

    call.rows("resume", queue="default")
    assert call.claim()["id"] == job_id


def test_no_more_claim_locks_are_held_than_jobs_were_claimed(call: Calls) -> None:
    call.enqueue_many(*[{"type": "t"}] * 50)
    call.rows("dequeue", max_jobs=7)

    assert (
        call.one("""
        select count(*) from pg_locks where locktype = 'advisory' and pid = pg_backend_pid()
        and classid = forge._lock_space('claim')::bigint::oid
    """)
        == 7
    )


@pytest.mark.parametrize("function", ["dequeue", "exchange"])
@pytest.mark.parametrize("lease", ["1 second", "1 day", "24:00:00"])
def test_the_shortest_and_the_longest_lease(function: str, lease: str, call: Calls) -> None:
    call.enqueue()

    assert len(call.rows(function, lease=lease)) == 1


LEASE = "use 1 second to 1 day"
JOBS = "use 1 to 1000"
NAME = "use 1 to 200 characters without control characters"
WRONG: list[tuple[str, object, str, str]] = [
    ("queue", None, "null", NAME),
    ("queue", "", "", NAME),
    ("worker", "", "", NAME),
    ("worker", "w" * 201, "w" * 200, NAME),
    ("max_jobs", None, "null", JOBS),
    ("max_jobs", 0, "0", JOBS),
    ("max_jobs", -1, "-1", JOBS),
    ("max_jobs", 1001, "1001", JOBS),
    ("lease", None, "null", LEASE),
    ("lease", "0.999 seconds", "00:00:00.999", LEASE),
    ("lease", "-1 minute", "-00:01:00", LEASE),
    ("lease", "1 day 1 second", "1 day 00:00:01", LEASE),
]


@pytest.mark.parametrize("function", ["dequeue", "exchange"])
@pytest.mark.parametrize(("argument", "value", "shown", "hint"), WRONG)
def test_a_wrong_argument_claims_nothing(
    function: str, argument: str, value: object, shown: str, hint: str, call: Calls
) -> None:
    job_id = call.enqueue()

    diag = call.refusal("JQ001", function, **{argument: value})

    assert diag.message_primary == f"{argument} is not valid"
    assert diag.message_detail == f"{argument}={shown}"
    assert diag.message_hint == hint
    assert call.status(job_id) == "PENDING"


def test_worker_and_types_may_be_null(call: Calls) -> None:
    job_id = call.enqueue()

    assert call.claim(worker=None, types=None)["id"] == job_id


@pytest.mark.parametrize("function", ["dequeue", "exchange"])
@pytest.mark.parametrize("level", ["repeatable read", "serializable"])
def test_a_claim_needs_read_committed(function: str, level: str, db: Database, call: Calls) -> None:
    call.select(f"set default_transaction_isolation = '{level}'")

    diag = call.refusal("JQ006", function)

    assert diag.message_primary == "claims need a transaction in READ COMMITTED"
    assert diag.message_detail == f"transaction_isolation={level}"
    assert diag.message_hint == (
        "claim in a transaction of its own: begin isolation level read committed"
    )


def test_the_policy_tells_the_retries_of_a_claim(call: Calls) -> None:
    call.rows("set_queue", queue="default", max_retries=4)
    call.rows("set_type", type="b", max_retries=3)
    for given in ({"type": "a"}, {"type": "b"}, {"type": "b", "max_retries": 2}):
        call.enqueue(**given)

    assert [row["max_retries"] for row in call.rows("dequeue", max_jobs=5)] == [4, 3, 2]
