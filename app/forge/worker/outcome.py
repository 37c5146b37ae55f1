"""What became of a job that did not simply complete, and how SQL is told."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any

from forge.db import Connection, call, call_value, jsonb
from forge.errors import ForgeError, InvalidArgument, JobNotFound, LeaseLost, PayloadTooLarge
from forge.models import Change, Failed
from forge.worker.clean import result_error
from forge.worker.context import JobContext
from forge.worker.log import say


@dataclass(slots=True)
class Outcome:
    """One call: a function of SQL, and what it is told besides the job and its lease."""

    context: JobContext
    function: str
    arguments: dict[str, Any]
    noted: bool = False  # the result was replaced already


async def send(conn: Connection, outcome: Outcome) -> None:
    """Tells SQL. Raises `LeaseLost` where the job is another's by now."""
    job = outcome.context.job
    fence = {"id": job.id, "lease": job.lease, "queue": job.queue}
    if outcome.function == "complete":
        await call_value(conn, "complete", **fence, **outcome.arguments)
    elif outcome.function == "fail":
        for failed in await call(conn, "fail", Failed, **fence, **outcome.arguments):
            say(
                logging.WARNING,
                "job.failed",
                id=job.id,
                type=job.type,
                attempt=failed.attempts,
                error=outcome.arguments["error_type"],
                status=failed.status,
                again=failed.scheduled_at if failed.status == "PENDING" else "no",
            )
    else:
        await call(conn, outcome.function, Change, **fence, **outcome.arguments)


def refused(outcome: Outcome, error: Exception) -> Outcome | None:
    """What to send in place of an outcome that SQL refused, if anything."""
    job = outcome.context.job
    if isinstance(error, (LeaseLost, JobNotFound)):
        say(logging.WARNING, "job.lease_lost", id=job.id, type=job.type, at=outcome.function)
        return None
    bad_value = isinstance(error, (InvalidArgument, PayloadTooLarge))
    if bad_value and outcome.function == "complete" and not outcome.noted:
        # The job's effect has happened: it completes, with a note in place of its result.
        note = jsonb(result_error(str(error)))
        return Outcome(outcome.context, "complete", {"result": note}, noted=True)
    # The lease will expire, and SQL decides what becomes of the job.
    detail = error.detail if isinstance(error, ForgeError) else ""
    say(logging.ERROR, "job.refused", id=job.id, at=outcome.function, error=error, detail=detail)
    return None
