"""33_batches: a callback when all jobs of a batch have ended."""

from __future__ import annotations

import pytest
from psycopg.types.json import Jsonb

from tests.procedures.calls import Calls
from tests.procedures.flows import cancel, child_of, complete, die, left_to_the_tick, open_edges


def batch(call: Calls, **arguments: object) -> int:
    found: int = call.value("open_batch", type="callback", queue="callbacks", **arguments)
    return found


def member(call: Calls, of: int, **arguments: object) -> int:
    return call.enqueue("member", **{"batch": of, "queue": "parents", **arguments})


def close(call: Calls, batch_id: int) -> str:
    status: str = call.row("close_batch", id=batch_id)["to_status"]
    return status


def test_a_batch_that_is_closed_before_its_jobs_end(call: Calls) -> None:
    callback = batch(call)
    first, second = member(call, callback), member(call, callback)
    assert close(call, callback) == "WAITING"
    complete(call, first)
    assert call.status(callback) == "WAITING"
    complete(call, second)
    assert call.status(callback) == "PENDING"
    assert [row["id"] for row in call.rows("parents", id=callback)] == [first, second]


def test_a_batch_that_is_closed_after_its_jobs_have_ended(call: Calls) -> None:
    callback = batch(call)
    complete(call, member(call, callback))
    assert call.status(callback) == "WAITING"
    assert call.rows("explain", id=callback)[0]["code"] == "batch_open"
    complete(call, member(call, callback))
    assert close(call, callback) == "PENDING"


def test_an_empty_batch(call: Calls) -> None:
    callback = batch(call)
    assert call.status(callback) == "WAITING"
    assert close(call, callback) == "PENDING"
    assert open_edges(call) == []


def test_a_callback_runs_however_the_jobs_ended(call: Calls) -> None:
    callback = batch(call)
    ends = [complete, die, cancel]
    members = [member(call, callback) for _ in ends]
    close(call, callback)
    for end, job_id in zip(ends, members, strict=True):
        assert call.status(callback) == "WAITING"
        end(call, job_id)
    assert call.status(callback) == "PENDING"
    assert [row["status"] for row in call.rows("parents", id=callback)] == [
        "COMPLETED", "DEAD", "CANCELLED",
    ]  # fmt: skip


def test_a_callback_may_be_told_to_be_cancelled_instead(call: Calls) -> None:
    callback = batch(call, options={"on_parent_failure": "cancel", "priority": 7})
    job_id = member(call, callback)
    assert call.job(callback)["priority"] == 7
    die(call, job_id)
    assert call.status(callback) == "CANCELLED"
    call.refusal("JQ004", "enqueue", type="t", batch=callback)
    call.refusal("JQ004", "close_batch", id=callback)


def test_a_job_adds_to_its_own_batch_while_it_runs(call: Calls) -> None:
    callback = batch(call)
    first = member(call, callback)
    second = member(call, callback)
    complete(call, first)
    close_later = member(call, callback)
    close(call, callback)
    complete(call, second)
    assert call.status(callback) == "WAITING"
    complete(call, close_later)
    assert call.status(callback) == "PENDING"


def test_a_closed_batch_takes_no_jobs(call: Calls) -> None:
    callback = batch(call)
    member(call, callback)
    close(call, callback)
    diag = call.refusal("JQ004", "enqueue", type="t", batch=callback)
    assert diag.message_detail == f"id={callback} status=WAITING"
    jobs = Jsonb([{"type": "t", "batch": callback}])
    call.refusal("JQ004", "enqueue_many", jobs=jobs)


def test_what_is_no_batch_takes_no_jobs(call: Calls) -> None:
    call.refusal("JQ004", "enqueue", type="t", batch=call.enqueue())
    call.refusal("JQ003", "enqueue", type="t", batch=2**60)
    call.refusal("JQ003", "close_batch", id=2**60)
    call.refusal("JQ004", "close_batch", id=call.completed())


def test_closing_twice_changes_nothing(call: Calls) -> None:
    callback = batch(call)
    member(call, callback)
    assert close(call, callback) == close(call, callback) == "WAITING"
    job_id = call.enqueue()
    assert close(call, job_id) == "PENDING"


def test_many_jobs_join_batches_in_one_call(call: Calls) -> None:
    one, two = batch(call), batch(call)
    rows = call.enqueue_many(
        {"type": "a", "batch": one},
        {"type": "b", "batch": two, "handle": "b"},
        {"type": "c", "batch": one, "depends_on": ["b"]},
        {"type": "d"},
    )
    a, b, c, _ = [row["id"] for row in rows]
    edges = [(one, one), (two, two), (one, a), (two, b), (one, c), (c, b)]
    assert open_edges(call) == sorted(edges)
    assert left_to_the_tick(call) == []


def test_a_batch_waits_for_the_job_that_holds_the_key(call: Calls) -> None:
    callback = batch(call)
    holder = call.enqueue("member", unique_key="k", queue="parents")
    assert member(call, callback, unique_key="k") == holder
    close(call, callback)
    call.tick()
    assert call.status(callback) == "WAITING"
    complete(call, holder)
    assert call.status(callback) == "PENDING"


def test_a_member_that_is_cancelled_at_once_holds_nothing_up(call: Calls) -> None:
    callback = batch(call)
    dead = call.dead()
    gone = member(call, callback, depends_on=[dead], on_parent_failure="cancel")
    assert call.status(gone) == "CANCELLED"
    assert close(call, callback) == "PENDING"
    assert [row["id"] for row in call.rows("parents", id=callback)] == [gone]


def test_batches_lie_in_batches(call: Calls) -> None:
    outer = batch(call)
    inner = batch(call, options={"batch": outer})
    close(call, outer)
    job_id = member(call, inner)
    close(call, inner)
    complete(call, job_id)
    assert (call.status(inner), call.status(outer)) == ("PENDING", "WAITING")
    call.complete(call.claim(queue="callbacks"))
    assert call.status(outer) == "PENDING"


def test_a_job_of_a_batch_cannot_wait_for_its_callback(call: Calls) -> None:
    callback = batch(call)
    after = child_of(call, callback)
    before = open_edges(call)
    for parents in ([callback], [after]):
        diag = call.refusal("JQ004", "enqueue", type="t", batch=callback, depends_on=parents)
        assert diag.message_hint == "a job of a batch cannot wait for the callback of that batch"
        jobs = Jsonb([{"type": "t", "batch": callback, "depends_on": parents}])
        call.refusal("JQ004", "enqueue_many", jobs=jobs)
    assert open_edges(call) == before


def test_nor_in_a_circle_over_two_batches(call: Calls) -> None:
    one, two = batch(call), batch(call)
    member(call, one, depends_on=[two])
    call.refusal("JQ004", "enqueue", type="t", batch=two, depends_on=[one])


def test_a_job_cannot_be_the_callback_of_its_own_batch(call: Calls) -> None:
    callback = batch(call, options={"unique_key": "k"})
    call.refusal("JQ004", "enqueue", type="t", queue="callbacks", batch=callback, unique_key="k")


def test_a_batch_in_one_call(call: Calls) -> None:
    jobs = Jsonb(
        [
            {"type": "page", "handle": "p", "queue": "parents"},
            {"type": "page", "queue": "parents", "depends_on": ["p"]},
        ]
    )
    callback = call.value("enqueue_batch", jobs=jobs, type="report", payload={"month": 1})
    job = call.job(callback)
    assert (job["type"], job["payload"], job["status"]) == ("report", {"month": 1}, "WAITING")
    for row in call.rows("parents", id=callback):
        complete(call, row["id"])
    assert call.status(callback) == "PENDING"
    assert call.status(call.value("enqueue_batch", jobs="[]", type="report")) == "PENDING"


@pytest.mark.parametrize(
    "options",
    ['{"color": "red"}', "[]", '"x"', '{"priority": "high"}', '{"handle": "h"}',
     '{"depends_on": ["h"]}', '{"scheduled_at": "2030-01-01"}'],
)  # fmt: skip
def test_options_are_parameters_of_enqueue(call: Calls, options: str) -> None:
    diag = call.refusal("JQ001", "open_batch", type="t", options=options)
    assert diag.message_primary == "options is not valid"
