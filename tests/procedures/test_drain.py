"""Draining: a worker claims no more, finishes what it has, and can be let go on."""

from __future__ import annotations

import pytest

from tests.database import Clock
from tests.procedures.calls import Calls


def register(call: Calls, worker: str = "w") -> None:
    call.rows("register_worker", worker=worker, queues=["default"], liveness=False)


@pytest.mark.parametrize("function", ["dequeue", "exchange"])
def test_who_drains_claims_nothing_until_it_is_resumed(call: Calls, function: str) -> None:
    register(call)
    job_id = call.enqueue()

    call.rows("drain_worker", worker="w")
    assert call.rows(function, worker="w") == []

    call.rows("resume_worker", worker="w")
    assert [job["id"] for job in call.rows(function, worker="w")] == [job_id]


def test_others_claim_on_and_so_does_who_gives_no_name(call: Calls) -> None:
    register(call)
    call.rows("drain_worker", worker="w")
    for worker in ("other", None):
        job_id = call.enqueue()
        assert [job["id"] for job in call.rows("dequeue", worker=worker)] == [job_id]


def test_what_it_has_it_finishes_also_by_exchange(call: Calls) -> None:
    register(call)
    call.enqueue()
    job = call.claim()
    more = call.enqueue()
    call.rows("drain_worker", worker="w")

    assert call.rows("exchange", ids=[job["id"]], leases=[job["lease"]], worker="w") == []

    assert (call.status(job["id"]), call.status(more)) == ("COMPLETED", "PENDING")


def test_since_when_it_drains_stays_and_is_listed(call: Calls, clock: Clock) -> None:
    register(call)
    since = clock.freeze()
    first = call.row("drain_worker", worker="w")
    clock.advance(seconds=5)
    again = call.row("drain_worker", worker="w")

    listed = call.row("list_workers")
    assert first["draining_at"] == again["draining_at"] == listed["draining_at"] == since


def test_who_connects_anew_goes_on_draining(call: Calls) -> None:
    register(call)
    call.rows("drain_worker", worker="w")
    register(call)

    assert call.row("list_workers")["draining_at"] is not None


def test_a_name_that_nobody_has_is_no_row(call: Calls) -> None:
    for function in ("drain_worker", "resume_worker", "worker_jobs"):
        assert call.rows(function, worker="nobody") == []


def test_the_jobs_in_hand_are_those_of_the_worker(call: Calls) -> None:
    mine = []
    for worker in ("w", "other", "w"):
        call.enqueue()
        mine += [job["id"] for job in call.rows("dequeue", worker=worker) if worker == "w"]

    assert sorted(row["id"] for row in call.rows("worker_jobs", worker="w")) == sorted(mine)
    assert len(call.rows("worker_jobs", worker="w", max_rows=1)) == 1


@pytest.mark.parametrize("function", ["drain_worker", "resume_worker", "worker_jobs"])
@pytest.mark.parametrize("worker", [None, "", "w" * 201, "new\nline"])
def test_what_can_be_no_name_is_refused(call: Calls, function: str, worker: str | None) -> None:
    call.refusal("JQ001", function, worker=worker)


@pytest.mark.parametrize("max_rows", [None, 0, 501])
def test_a_list_out_of_bounds_is_refused(call: Calls, max_rows: int | None) -> None:
    call.refusal("JQ001", "worker_jobs", worker="w", max_rows=max_rows)


def test_a_queue_whose_workers_all_drain_has_none(call: Calls) -> None:
    register(call)
    job_id = call.enqueue()
    call.rows("drain_worker", worker="w")

    (reason,) = call.rows("explain", id=job_id)

    assert (reason["code"], reason["detail"]["draining"]) == ("no_worker", 1)
    assert reason["sentence"] == "all live workers of the queue default drain"
    assert "no_worker" in {finding["code"] for finding in call.rows("doctor")}
