"""The fence: a lease that was lost, to whoever, changes nothing."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

import pytest
from psycopg.rows import DictRow

from tests.database import Clock
from tests.procedures.calls import Calls
from tests.procedures.test_transitions import FENCED


def to_another_worker(call: Calls, clock: Clock, job: DictRow) -> None:
    clock.advance(seconds=61)
    call.tick()
    assert call.claim(queue="running")["lease"] != job["lease"]


def to_the_backoff(call: Calls, clock: Clock, job: DictRow) -> None:
    call.fail(job)


def to_the_dead_letter_queue(call: Calls, clock: Clock, job: DictRow) -> None:
    call.fail(job, retryable=False)


def to_a_cancellation(call: Calls, clock: Clock, job: DictRow) -> None:
    call.rows("cancel", id=job["id"])
    call.fail(job)


def by_giving_it_back(call: Calls, clock: Clock, job: DictRow) -> None:
    call.rows("release", id=job["id"], lease=job["lease"])


def by_completing_it(call: Calls, clock: Clock, job: DictRow) -> None:
    call.complete(job)


def to_another_worker_who_completes_it(call: Calls, clock: Clock, job: DictRow) -> None:
    clock.advance(seconds=61)
    call.tick()
    call.complete(call.claim(queue="running"))


LOSSES = [
    to_another_worker,
    to_another_worker_who_completes_it,
    to_the_backoff,
    to_the_dead_letter_queue,
    to_a_cancellation,
    by_giving_it_back,
    by_completing_it,
]
Loss = Callable[[Calls, Clock, DictRow], None]


@pytest.mark.parametrize("lose", LOSSES, ids=lambda lose: lose.__name__)
@pytest.mark.parametrize("function", FENCED)
def test_a_stale_lease_changes_nothing(function: str, lose: Loss, call: Calls, noon: Clock) -> None:
    job = call.running()
    lose(call, noon, job)
    before = call.everything()
    stale = {"id": job["id"], "lease": job["lease"]}

    if (function, lose) == ("complete", by_completing_it):
        assert call.value("complete", **stale) is False
    else:
        call.refusal("JQ002", function, **stale, **FENCED[function])

    assert call.everything() == before


def is_refused_as_a_batch(call: Calls, ids: list[int], leases: list[UUID]) -> None:
    before = call.everything()
    stale = {"ids": ids, "leases": leases}

    assert call.rows("complete_many", **stale) == []
    assert call.rows("exchange", **stale, queue="empty") == []
    beats = call.rows("heartbeat", worker="not registered", **stale)

    assert beats == [{"id": id, "reason": "lease_lost"} for id in ids]
    assert call.everything() == before


@pytest.mark.parametrize("lose", LOSSES, ids=lambda lose: lose.__name__)
def test_a_stale_lease_in_a_batch_changes_nothing(lose: Loss, call: Calls, noon: Clock) -> None:
    job = call.running()
    lose(call, noon, job)

    is_refused_as_a_batch(call, [job["id"]], [job["lease"]])
    # One id goes a shorter way than several.
    is_refused_as_a_batch(call, [job["id"], job["id"] + 1000], [job["lease"]] * 2)


def test_in_a_batch_each_lease_is_good_for_its_own_job_only(call: Calls) -> None:
    jobs = [call.running(), call.running()]

    is_refused_as_a_batch(
        call, [job["id"] for job in jobs], [job["lease"] for job in reversed(jobs)]
    )


@pytest.mark.parametrize("function", FENCED)
def test_the_lease_of_another_job_changes_nothing(function: str, call: Calls) -> None:
    mine, other = call.running(), call.running()
    before = call.everything()

    call.refusal("JQ002", function, id=mine["id"], lease=other["lease"], **FENCED[function])

    assert call.everything() == before


@pytest.mark.parametrize("function", FENCED)
@pytest.mark.parametrize(
    ("wrong", "detail"),
    [({"lease": None}, "lease=null status=PROCESSING"), ({"queue": "other"}, "status=PROCESSING")],
)
def test_no_lease_or_another_queue_is_a_lost_lease(
    function: str, wrong: dict[str, object], detail: str, call: Calls
) -> None:
    job = call.running()
    before = call.everything()
    given = {"id": job["id"], "lease": job["lease"], **FENCED[function], **wrong}

    diag = call.refusal("JQ002", function, **given)

    assert detail in (diag.message_detail or "")
    assert call.everything() == before


@pytest.mark.parametrize("function", FENCED)
def test_a_job_that_never_was_is_told_apart(function: str, call: Calls) -> None:
    lease = call.running()["lease"]

    diag = call.refusal("JQ002", function, id=None, lease=lease, **FENCED[function])

    assert diag.message_detail == f"id=null lease={lease} status=no such job"


@pytest.mark.parametrize("function", FENCED)
def test_an_expired_lease_is_good_until_a_tick_takes_it(
    function: str, call: Calls, noon: Clock
) -> None:
    job = call.running()
    noon.advance(hours=1)

    given = {"id": job["id"], "lease": job["lease"], **FENCED[function]}
    assert call.rows(function, **given)
