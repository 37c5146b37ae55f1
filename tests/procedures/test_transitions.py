"""02_transitions: each legal edge is brought about, and every other one is refused."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta

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


def enqueue_child(call: Calls, clock: Clock) -> Arrangement:
    parent = call.enqueue()
    yield call.one("select nextval('forge.job_id_seq')") + 1
    call.enqueue("child", depends_on=[parent])


def hold(function: str, **arguments: object) -> Callable[[Calls, Clock], Arrangement]:
    def arrange(call: Calls, clock: Clock) -> Arrangement:
        yield call.one("select nextval('forge.job_id_seq')") + 1
        call.rows(function, type="t", **arguments)

    return arrange


def enqueue_orphan(call: Calls, clock: Clock) -> Arrangement:
    parent = call.dead()
    yield call.one("select nextval('forge.job_id_seq')") + 1
    call.enqueue("child", depends_on=[parent], on_parent_failure="cancel")


def end_parent(
    function: str, policy: str = "wait", *, cancel: bool = False, **arguments: object
) -> Callable[[Calls, Clock], Arrangement]:
    def arrange(call: Calls, clock: Clock) -> Arrangement:
        job = call.running()
        if cancel:
            call.rows("cancel", id=job["id"])
        yield call.enqueue("child", depends_on=[job["id"]], on_parent_failure=policy)
        call.rows(function, id=job["id"], lease=job["lease"], **arguments)

    return arrange


def cancel_parent(policy: str) -> Callable[[Calls, Clock], Arrangement]:
    def arrange(call: Calls, clock: Clock) -> Arrangement:
        parent = call.enqueue()
        yield call.enqueue("child", depends_on=[parent], on_parent_failure=policy)
        call.rows("cancel", id=parent)

    return arrange


def close_batch(call: Calls, clock: Clock) -> Arrangement:
    batch = call.value("open_batch", type="t")
    yield batch
    call.rows("close_batch", id=batch)


def lose_parent(policy: str) -> Callable[[Calls, Clock], Arrangement]:
    def arrange(call: Calls, clock: Clock) -> Arrangement:
        job = call.running(max_retries=0)
        yield call.enqueue("child", depends_on=[job["id"]], on_parent_failure=policy)
        clock.advance(seconds=61)
        call.tick()

    return arrange


def miss_deadline(call: Calls, clock: Clock) -> Arrangement:
    deadline = clock.now + timedelta(minutes=1)
    yield call.value("run_when", type="t", condition="false", deadline=deadline)
    clock.advance(minutes=1)
    call.tick()


def drop(child: str | None = None) -> Callable[[Calls, Clock], Arrangement]:
    """The queue is full and drops its oldest job; or what its child does then, by its policy."""

    def arrange(call: Calls, clock: Clock) -> Arrangement:
        call.row("set_admission", queue="full", max_depth=1, on_full="drop_oldest")
        oldest = call.enqueue(queue="full")
        if child is not None:
            yield call.enqueue("child", depends_on=[oldest], on_parent_failure=child)
        else:
            yield oldest
        call.enqueue(queue="full")

    return arrange


EDGES: dict[Edge, Callable[[Calls, Clock], Arrangement]] = {
    (None, "PENDING", "enqueue"): enqueue,
    (None, "WAITING", "enqueue"): enqueue_child,
    (None, "WAITING", "open_batch"): hold("open_batch"),
    (None, "WAITING", "run_when"): hold("run_when", condition="true"),
    (None, "CANCELLED", "enqueue"): enqueue_orphan,
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
    ("PENDING", "CANCELLED", "enqueue"): drop(),
    ("WAITING", "CANCELLED", "enqueue"): drop("cancel"),
    ("WAITING", "PENDING", "enqueue"): drop("run"),
    ("WAITING", "PENDING", "complete"): end_parent("complete"),
    ("WAITING", "PENDING", "fail"): end_parent("fail", "run", error="boom", retryable=False),
    ("WAITING", "PENDING", "release"): end_parent("release", "run", cancel=True),
    ("WAITING", "PENDING", "snooze"): end_parent("snooze", "run", cancel=True, delay="1 minute"),
    ("WAITING", "PENDING", "cancel"): cancel_parent("run"),
    ("WAITING", "PENDING", "close_batch"): close_batch,
    ("WAITING", "PENDING", "tick"): lose_parent("run"),
    ("WAITING", "CANCELLED", "fail"): end_parent("fail", "cancel", error="no", retryable=False),
    ("WAITING", "CANCELLED", "release"): end_parent("release", "cancel", cancel=True),
    ("WAITING", "CANCELLED", "snooze"): end_parent(
        "snooze", "cancel", cancel=True, delay="1 minute"
    ),
    ("WAITING", "CANCELLED", "tick"): lose_parent("cancel"),
    ("WAITING", "DEAD", "tick"): miss_deadline,
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
