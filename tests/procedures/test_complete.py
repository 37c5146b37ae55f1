"""30_complete: a job ends once, with its result."""

from __future__ import annotations

from typing import Any

import pytest
from psycopg.types.json import Jsonb

from tests.database import Clock
from tests.procedures.calls import NO_LEASE, Calls


def test_a_completed_job_is_in_the_history_with_its_result(call: Calls, noon: Clock) -> None:
    job = call.running(priority=2, tags=["x"], unique_key="k", payload={"a": 1})
    before = call.job(job["id"])
    noon.advance(seconds=7)

    assert call.complete(job, result={"sent": [1, None]}) is True

    assert call.select("select from forge.jobs") == []
    assert call.job(job["id"]) == before | {
        "status": "COMPLETED",
        "finished_at": noon.now,
        "lease_expires_at": None,
        "result": {"sent": [1, None]},
    }


def test_the_same_lease_completes_once(call: Calls) -> None:
    job = call.running()
    assert call.complete(job, result={"n": 1}) is True
    before = call.everything()

    assert call.complete(job, result={"n": 2}) is False
    assert call.everything() == before


def test_errors_are_kept_when_a_later_attempt_completes(call: Calls, noon: Clock) -> None:
    job = call.running()
    call.fail(job)
    noon.advance(minutes=1)
    call.complete(call.claim(queue="running"))

    (error,) = call.job(job["id"])["errors"]
    assert (error["attempt"], error["error"]) == (1, "boom")


def test_a_running_job_that_was_to_be_cancelled_may_complete(call: Calls, noon: Clock) -> None:
    job = call.running()
    call.rows("cancel", id=job["id"])

    assert call.complete(job) is True
    assert call.job(job["id"])["cancel_requested_at"] == noon.now


@pytest.mark.parametrize("value", [None, False, 0, "x", [], {}], ids=repr)
def test_any_json_is_a_result(value: object, call: Calls) -> None:
    job = call.running()
    call.complete(job, result=Jsonb(value))

    assert call.job(job["id"])["result"] == value


def test_a_result_of_a_mebibyte_is_the_largest(call: Calls) -> None:
    job = call.running()
    given = {"id": job["id"], "lease": job["lease"]}
    most = 1024 * 1024 - 2

    diag = call.refusal("JQ005", "complete", **given, result=Jsonb("x" * (most + 1)))
    assert diag.message_primary == "result is too large"
    assert diag.message_detail == "1048577 of at most 1048576"
    assert diag.message_hint == "store it elsewhere and pass a reference"
    assert call.status(job["id"]) == "PROCESSING"

    assert call.value("complete", **given, result=Jsonb("x" * most)) is True


def test_many_complete_in_one_call_and_tell_which(call: Calls) -> None:
    jobs = [call.running(queue=q) for q in ("a", "b", "a")]
    ids = [job["id"] for job in jobs]

    rows = call.rows(
        "complete_many",
        ids=[ids[2], ids[0], ids[1], ids[0]],
        leases=[jobs[2]["lease"], jobs[0]["lease"], NO_LEASE, jobs[0]["lease"]],
        results=[Jsonb(2), None, Jsonb(1), None],
    )

    assert [row["complete_many"] for row in rows] == [ids[0], ids[2]]
    assert [call.status(i) for i in ids] == ["COMPLETED", "PROCESSING", "COMPLETED"]
    assert [call.job(i)["result"] for i in ids] == [None, None, 2]


def test_a_queue_narrows_what_many_complete(call: Calls) -> None:
    jobs = [call.running(queue=q) for q in ("a", "b")]
    given = {"ids": [j["id"] for j in jobs], "leases": [j["lease"] for j in jobs]}

    rows = call.rows("complete_many", **given, queue="b")

    assert [row["complete_many"] for row in rows] == [jobs[1]["id"]]


@pytest.mark.parametrize("function", ["complete_many", "exchange"])
def test_no_ids_complete_nothing(function: str, call: Calls) -> None:
    assert call.rows(function, ids=[], leases=[], results=[]) == []


LEASES = "pass one lease an id, and at most 10000 of them"
RESULTS = "pass one result an id, or no results at all"
MISMATCHED: list[tuple[dict[str, Any], str, str]] = [
    ({"ids": None}, "leases=1 leases for  ids", LEASES),
    ({"leases": None}, "leases= leases for 1 ids", LEASES),
    ({"ids": [1, 2]}, "leases=1 leases for 2 ids", LEASES),
    ({"leases": []}, "leases=0 leases for 1 ids", LEASES),
    ({"ids": [1] * 10001, "leases": [NO_LEASE] * 10001}, "leases=10001 leases", LEASES),
]
NO_RESULTS: list[tuple[dict[str, Any], str, str]] = [
    ({"results": []}, "results=0 results for 1 ids", RESULTS),
    ({"results": [Jsonb(1)] * 2}, "results=2 results for 1 ids", RESULTS),
]


@pytest.mark.parametrize(
    ("function", "wrong", "detail", "hint"),
    [
        *(("heartbeat", *case) for case in MISMATCHED),
        *(("complete_many", *case) for case in MISMATCHED + NO_RESULTS),
        *(("exchange", *case) for case in MISMATCHED + NO_RESULTS),
    ],
)
def test_arrays_that_do_not_match_are_refused(
    function: str, wrong: dict[str, Any], detail: str, hint: str, call: Calls
) -> None:
    given = {"ids": [1], "leases": [NO_LEASE], **wrong}
    if function == "heartbeat":
        given["worker"] = "w"

    diag = call.refusal("JQ001", function, **given)

    argument = detail.partition("=")[0]
    assert diag.message_primary == f"{argument} is not valid"
    assert (diag.message_detail or "").startswith(detail)
    assert diag.message_hint == hint


@pytest.mark.parametrize("function", ["complete_many", "exchange"])
def test_a_result_too_large_completes_none(function: str, call: Calls) -> None:
    jobs = [call.running(), call.running()]
    call.refusal(
        "JQ005",
        function,
        ids=[j["id"] for j in jobs],
        leases=[j["lease"] for j in jobs],
        results=[None, Jsonb("x" * 1024 * 1024)],
    )

    assert {call.status(j["id"]) for j in jobs} == {"PROCESSING"}


def test_a_queue_without_history_keeps_no_trace_but_its_numbers(call: Calls) -> None:
    call.rows("set_queue", queue="running", keep_history=False)
    done, gone = call.running(), call.enqueue(queue="running")
    assert call.complete(done) is True
    call.rows("cancel", id=gone)

    assert call.rows("list_jobs") == []
    stats = call.row("stats", queue="running")
    assert (stats["completed"], stats["cancelled"]) == (1, 1)
    # Nothing is left that could tell a repeated call from a lost lease.
    call.refusal("JQ002", "complete", id=done["id"], lease=done["lease"])


def test_a_queue_without_history_still_has_dead_jobs(call: Calls) -> None:
    call.rows("set_queue", queue="running", keep_history=False)

    assert call.status(call.dead()) == "DEAD"


def test_a_queue_may_keep_the_jobs_without_their_results(call: Calls) -> None:
    call.rows("set_queue", queue="quiet", keep_result=False)
    quiet, loud = call.running(queue="quiet"), call.running()
    call.complete(quiet, result={"n": 1})
    call.complete(loud, result={"n": 2})
    views = [call.job(job["id"]) for job in (quiet, loud)]
    assert [(view["status"], view["result"]) for view in views] == [
        ("COMPLETED", None),
        ("COMPLETED", {"n": 2}),
    ]


def test_results_of_many_are_dropped_by_queue(call: Calls) -> None:
    call.rows("set_queue", queue="quiet", keep_result=False)
    jobs = [call.running(queue=queue) for queue in ("quiet", "loud")]
    done = call.rows(
        "complete_many",
        ids=[job["id"] for job in jobs],
        leases=[job["lease"] for job in jobs],
        results=[Jsonb(1), Jsonb(2)],
    )
    assert len(done) == 2
    assert [call.job(job["id"])["result"] for job in jobs] == [None, 2]
