"""Jobs: enqueue one or many, look at one, cancel, retry. Lists are in `lists`."""

from __future__ import annotations

from typing import Annotated, Any

from litestar import Response, get, post
from litestar.datastructures import ResponseHeader
from litestar.di import NamedDependency
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import HeaderParameter, JSONBody

from forge import db
from forge.api import present, shapes
from forge.api.access import Access, Right
from forge.api.bodies import NewJob, NewJobs
from forge.api.database import Database
from forge.api.documented import TAKES_IN, problems
from forge.api.etags import IfNoneMatch, unless_known
from forge.api.parameters import JobId, only
from forge.api.problems import BadFields, FieldError
from forge.api.requests import BATCH_BODY_LIMIT, JOB_BODY_LIMIT
from forge.errors import JobNotFound
from forge.models import Change, Enqueued, JobView, Reason

IdempotencyKey = Annotated[
    str | None,
    HeaderParameter(
        name="Idempotency-Key",
        description="The unique key, as a header.",
        schema_extra={"minLength": 1, "maxLength": 500},
    ),
]
# Refused there, and so not told of: a batch has as many keys as jobs.
NoIdempotencyKey = Annotated[
    str | None, HeaderParameter(name="Idempotency-Key", include_in_schema=False)
]


def no_such_job(job_id: int) -> JobNotFound:
    return JobNotFound("no job has this id", f"id={job_id}", "it may be past its retention")


def _with_key(new: NewJob, key: str | None) -> dict[str, Any]:
    arguments = new.arguments()
    if key is not None and arguments.setdefault("unique_key", key) != key:
        raise BadFields(
            [FieldError(field="unique_key", message="differs from the Idempotency-Key")]
        )
    return arguments


@post(
    "/jobs",
    opt={"right": Right.ENQUEUE},
    request_max_body_size=JOB_BODY_LIMIT,
    responses={
        **problems(*TAKES_IN),
        200: ResponseSpec(
            shapes.Job,
            description="The job that holds the unique key.",
            generate_examples=False,
        ),
    },
    response_description="The new job.",
    response_headers=[
        ResponseHeader(name="Location", value="/jobs/1", documentation_only=True),
    ],
)
async def enqueue(
    data: JSONBody[NewJob],
    database: NamedDependency[Database],
    access: NamedDependency[Access],
    idempotency_key: IdempotencyKey = None,
) -> Response[shapes.Job]:
    """Enqueue a job.

    Answers 200 with the existing job where its unique key is taken.
    """
    arguments = _with_key(data, idempotency_key)
    # One transaction: nobody can run and drop the job before it has been read for the answer.
    async with database.connection() as conn, conn.transaction():
        made = only(await db.call(conn, "enqueue_many", Enqueued, jobs=db.jsonb([arguments])))
        found = await db.call(conn, "job", JobView, id=made.id)
    if not found:
        raise no_such_job(made.id)
    return Response(
        present.job(found[0], access),
        status_code=201 if made.created else 200,
        headers={"Location": f"/jobs/{made.id}"},
    )


@post(
    "/jobs/batch",
    opt={"right": Right.ENQUEUE},
    request_max_body_size=BATCH_BODY_LIMIT,
    responses=problems(*TAKES_IN),
)
async def enqueue_batch(
    data: JSONBody[NewJobs],
    database: NamedDependency[Database],
    idempotency_key: NoIdempotencyKey = None,
) -> shapes.EnqueuedMany:
    """Enqueue many jobs in one transaction: all of them or none."""
    if idempotency_key is not None:
        raise BadFields(
            [FieldError(field="Idempotency-Key", message="give each job its own unique_key")]
        )
    jobs = db.jsonb([new.arguments() for new in data.jobs])
    async with database.connection() as conn:
        made = await db.call(conn, "enqueue_many", Enqueued, jobs=jobs)
    return shapes.EnqueuedMany(
        items=[shapes.Enqueued(id=row.id, created=row.created) for row in made]
    )


@get(
    "/jobs/{job_id:int}",
    opt={"right": Right.READ_JOB},
    responses={
        **problems(404),
        304: ResponseSpec(
            None, description="It is as If-None-Match says.", generate_examples=False
        ),
    },
    response_headers=[
        ResponseHeader(name="ETag", value='W/"0123456789abcdef"', documentation_only=True),
    ],
)
async def get_job(
    job_id: JobId,
    database: NamedDependency[Database],
    access: NamedDependency[Access],
    if_none_match: IfNoneMatch = None,
) -> Response[shapes.Job | None]:
    """Read one job, wherever it lives.

    Answers 304 without a body where `If-None-Match` has the ETag that the job still has.
    """
    async with database.connection() as conn:
        found = await db.call(conn, "job", JobView, id=job_id)
    if not found:
        raise no_such_job(job_id)
    return unless_known(present.job(found[0], access), if_none_match)


@get("/jobs/{job_id:int}/explain", opt={"right": Right.READ}, responses=problems("JQ003"))
async def explain_job(job_id: JobId, database: NamedDependency[Database]) -> shapes.Reasons:
    """Say why a job does not run, or what it does."""
    async with database.connection() as conn:
        return shapes.Reasons(items=await db.call(conn, "explain", Reason, id=job_id))


@post(
    "/jobs/{job_id:int}/cancel",
    opt={"right": Right.OPERATE},
    status_code=200,
    responses=problems("JQ003", "JQ004"),
)
async def cancel_job(job_id: JobId, database: NamedDependency[Database]) -> Change:
    """Cancel a job; of a running one, the worker is asked to stop."""
    async with database.connection() as conn:
        return only(await db.call(conn, "cancel", Change, id=job_id))


@post(
    "/jobs/{job_id:int}/retry",
    opt={"right": Right.OPERATE},
    status_code=200,
    responses=problems("JQ003", "JQ004"),
)
async def retry_job(job_id: JobId, database: NamedDependency[Database]) -> Change:
    """Run a job again, or sooner."""
    async with database.connection() as conn:
        return only(await db.call(conn, "retry", Change, id=job_id))
