"""02_transitions: each legal edge is brought about, and every other one is refused."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.database import Clock, Conn
from tests.procedures.calls import NO_LEASE, Calls

Edge = tuple[str | None, str, str]
Arrangement = Iterator[int]  # yields the id of a job in the first status, then makes the change
STATUSES = ("WAITING", "PENDING", "PROCESSING", "COMPLETED", "DEAD", "CANCELLED")


def enqueue(call: Calls, clock: Clock) -> Arrangement:
    yield call.one("select nextval('forge.job_id_seq')") + 1
    call.enqueue()


def dequeue(call: Calls, clock: Clock) -> Arrangement:
    yield call.enqueue()
    call.claim()


def finish(function: str, **arguments: object) -> Callable[[Calls, Clock], Arrangement]:
    def arrange(call: Calls, clock: Clock) -> Arrangement:
        job = call.running()
        yield job["id"]
        call.rows(function, id=job["id"], lease=job["lease"], **arguments)

    return arrange


def finish_cancelled(function: str, **arguments: object) -> Callable[[Calls, Clock], Arrangement]:
    def arrange(call: Calls, clock: Clock) -> Arrangement:
        job = call.running()
        call.rows("cancel", id=job["id"])
        yield job["id"]
        call.rows(function, id=job["id"], lease=job["lease"], **arguments)

    return arrange


def lose(*, cancel: bool = False, max_retries: int = 1) -> Callable[[Calls, Clock], Arrangement]:
    def arrange(call: Calls, clock: Clock) -> Arrangement:
        job = call.running(max_retries=max_retries)
        if cancel:
            call.rows("cancel", id=job["id"])
        yield job["id"]
        clock.advance(seconds=61)
        call.tick()

    return arrange


def operate(function: str, status: str) -> Callable[[Calls, Clock], Arrangement]:
    def arrange(call: Calls, clock: Clock) -> Arrangement:
        job_id = call.in_status(status)
        yield job_id
        call.rows(function, id=job_id)

    return arrange


EDGES: dict[Edge, Callable[[Calls, Clock], Arrangement]] = {
    (None, "PENDING", "enqueue"): enqueue,
    ("PENDING", "PROCESSING", "dequeue"): dequeue,
    ("PROCESSING", "COMPLETED", "complete"): finish("complete"),
    ("PROCESSING", "PENDING", "fail"): finish("fail", error="boom"),
    ("PROCESSING", "DEAD", "fail"): finish("fail", error="boom", retryable=False),
    ("PROCESSING", "CANCELLED", "fail"): finish_cancelled("fail", error="boom"),
    ("PROCESSING", "PENDING", "release"): finish("release"),
    ("PROCESSING", "PENDING", "snooze"): finish("snooze", delay="1 minute"),
    ("PROCESSING", "CANCELLED", "release"): finish_cancelled("release"),
    ("PROCESSING", "CANCELLED", "snooze"): finish_cancelled("snooze", delay="1 minute"),
    ("PROCESSING", "PENDING", "tick"): lose(),
    ("PROCESSING", "DEAD", "tick"): lose(max_retries=0),
    ("PROCESSING", "CANCELLED", "tick"): lose(cancel=True),
    ("PENDING", "CANCELLED", "cancel"): operate("cancel", "PENDING"),
    ("WAITING", "CANCELLED", "cancel"): operate("cancel", "WAITING"),
    ("PENDING", "PENDING", "retry"): operate("retry", "PENDING"),
    ("DEAD", "PENDING", "retry"): operate("retry", "DEAD"),
    ("CANCELLED", "PENDING", "retry"): operate("retry", "CANCELLED"),
    ("DEAD", "DEAD", "discard"): operate("discard", "DEAD"),
}


@pytest.mark.parametrize("edge", EDGES, ids=lambda edge: f"{edge[0]}-{edge[2]}-{edge[1]}")
def test_every_edge_can_be_brought_about(edge: Edge, call: Calls, noon: Clock) -> None:
    before, after, _ = edge
    steps = EDGES[edge](call, noon)
    job_id = next(steps)
    assert call.status(job_id) == before

    assert next(steps, "done") == "done"
    assert call.status(job_id) == after


def test_the_edges_brought_about_are_all_there_are(call: Calls) -> None:
    listed = [(r["from_status"], r["to_status"], r["by"]) for r in call.rows("transitions")]

    assert sorted(map(str, listed)) == sorted(map(str, EDGES))


def _legal(function: str) -> set[str | None]:
    return {before for before, _, by in EDGES if by == function}


REFUSED = [
    (function, status)
    for function in ("cancel", "retry", "discard")
    for status in STATUSES
    if status not in _legal(function)
    # A running job is asked to stop, and a cancelled one is as its caller wanted it.
    and not (function == "cancel" and status in ("PROCESSING", "CANCELLED"))
]
HINTS = {
    "cancel": "only a live job can be cancelled",
    "retry": "only a PENDING, DEAD or CANCELLED job can be retried; enqueue a new one",
    "discard": "only a job in the dead-letter queue can be discarded",
}


@pytest.mark.parametrize(("function", "status"), REFUSED)
def test_an_operator_is_refused_an_edge_that_is_not_there(
    function: str, status: str, call: Calls
) -> None:
    job_id = call.in_status(status)
    before = call.everything()

    diag = call.refusal("JQ004", function, id=job_id)

    assert diag.message_primary == "the status of the job does not allow this"
    assert diag.message_detail == f"id={job_id} status={status}"
    assert diag.message_hint == HINTS[function]
    assert call.everything() == before


FENCED: dict[str, dict[str, object]] = {
    "complete": {},
    "fail": {"error": "boom"},
    "release": {},
    "snooze": {"delay": "1 minute"},
    "progress": {"value": 0.5},
}


@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize("function", FENCED)
def test_who_has_no_lease_changes_no_status(function: str, status: str, call: Calls) -> None:
    job_id = call.in_status(status)
    before = call.everything()

    diag = call.refusal("JQ002", function, id=job_id, lease=NO_LEASE, **FENCED[function])

    assert diag.message_primary == "the lease is not the current one of a running job"
    assert diag.message_detail == f"id={job_id} lease={NO_LEASE} status={status}"
    assert (diag.message_hint or "").startswith("somebody else owns the job, or it has ended")
    assert call.everything() == before


@pytest.mark.parametrize("status", [s for s in STATUSES if s != "PENDING"])
def test_only_a_pending_job_is_claimed(status: str, call: Calls, tx: Conn) -> None:
    call.in_status(status)

    assert call.rows("dequeue") == call.rows("dequeue", queue="running") == []
