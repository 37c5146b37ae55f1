"""Flows as tests begin with them: parents, children, and how a parent ends."""

from __future__ import annotations

from collections.abc import Callable

from psycopg.rows import DictRow

from tests.procedures.calls import Calls

QUEUE = "parents"


def child_of(call: Calls, *parents: int, **arguments: object) -> int:
    return call.enqueue("child", depends_on=list(parents), **arguments)


def run(call: Calls, job_id: int) -> DictRow:
    """Claims jobs of the queue until it is this one's turn, and gives the others back."""
    (job,) = [
        job for job in call.rows("dequeue", queue=QUEUE, max_jobs=100) if _keep(call, job, job_id)
    ]
    return job


def _keep(call: Calls, job: DictRow, job_id: int) -> bool:
    if job["id"] != job_id:
        call.rows("release", id=job["id"], lease=job["lease"])
    return bool(job["id"] == job_id)


def complete(call: Calls, job_id: int) -> None:
    call.complete(run(call, job_id), result={"of": job_id})


def die(call: Calls, job_id: int) -> None:
    call.fail(run(call, job_id), retryable=False)


def cancel(call: Calls, job_id: int) -> None:
    call.rows("cancel", id=job_id)


def cancel_running(function: str, **arguments: object) -> Callable[[Calls, int], None]:
    def end(call: Calls, job_id: int) -> None:
        job = run(call, job_id)
        call.rows("cancel", id=job_id)
        call.rows(function, id=job["id"], lease=job["lease"], **arguments)

    return end


FAILURES: dict[str, Callable[[Calls, int], None]] = {
    "fail": die,
    "cancel": cancel,
    "cancel, then fail": cancel_running("fail", error="stopped"),
    "cancel, then release": cancel_running("release"),
    "cancel, then snooze": cancel_running("snooze", delay="1 minute"),
}


def parents(call: Calls, count: int = 2) -> list[int]:
    return [call.enqueue("parent", queue=QUEUE) for _ in range(count)]


def open_edges(call: Calls) -> list[tuple[int, int]]:
    rows = call.select("select child, parent from forge.open_dependencies order by 1, 2")
    return [(row["child"], row["parent"]) for row in rows]


def left_to_the_tick(call: Calls) -> list[tuple[int, str]]:
    rows = call.select("select id, task from forge.ripe_jobs order by 1, 2")
    return [(row["id"], row["task"]) for row in rows]
