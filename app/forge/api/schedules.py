"""Schedules: what is enqueued again and again."""

from __future__ import annotations

from typing import Annotated

from litestar import Response, delete, get, post, put
from litestar.datastructures import ResponseHeader
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.params import JSONBody, PathParameter, QueryParameter

from forge import db
from forge.api import present, shapes
from forge.api.access import Access, Right
from forge.api.database import Database
from forge.api.documented import WITH_BODY, problems
from forge.api.parameters import A_MIDDLE_NAME, Limit, NameFilter, only, or_absent
from forge.api.requests import JOB_BODY_LIMIT
from forge.api.schedule_bodies import (
    NewSchedule,
    NextRuns,
    Schedule,
    Schedules,
    listed,
)
from forge.api.schedule_bodies import present as presented
from forge.errors import ScheduleNotFound
from forge.models import JobView, ScheduleRow

ScheduleName = Annotated[
    str, PathParameter(description="The name of the schedule.", schema_extra=A_MIDDLE_NAME)
]
Count = Annotated[int, QueryParameter(ge=1, le=100, description="How many.")]


@get("/schedules", opt={"right": Right.READ}, responses=problems())
async def list_schedules(
    database: NamedDependency[Database],
    access: NamedDependency[Access],
    after: NameFilter = None,
    limit: Limit = 50,
) -> Schedules:
    """List schedules by name."""
    async with database.connection() as conn:
        rows = await db.call(
            conn, "list_schedules", ScheduleRow, after=or_absent(after), max_rows=limit
        )
    return Schedules(
        items=[listed(row, access) for row in rows],
        next=rows[-1].name if len(rows) == limit else None,
    )


@get("/schedules/{name:str}", opt={"right": Right.READ}, responses=problems("JQ007"))
async def get_schedule(
    name: ScheduleName, database: NamedDependency[Database], access: NamedDependency[Access]
) -> Schedule:
    """Read one schedule."""
    async with database.connection() as conn:
        rows = await db.call(conn, "list_schedules", ScheduleRow, name=name)
    if not rows:
        raise ScheduleNotFound("no schedule has this name", f"name={name}", "see GET /schedules")
    return presented(rows[0], access)


@put(
    "/schedules/{name:str}",
    opt={"right": Right.OPERATE},
    request_max_body_size=JOB_BODY_LIMIT,
    responses=problems(*WITH_BODY, "JQ014"),
)
async def set_schedule(
    name: ScheduleName,
    data: JSONBody[NewSchedule],
    database: NamedDependency[Database],
    access: NamedDependency[Access],
) -> Schedule:
    """Make a schedule, or replace all that it was set to.

    It stays paused where it was; where its times do not change, its next run does not either.
    """
    async with database.connection() as conn:
        rows = await db.call(conn, "schedule", ScheduleRow, name=name, **data.arguments())
    return presented(only(rows), access)


@delete(
    "/schedules/{name:str}",
    opt={"right": Right.OPERATE},
    status_code=200,
    responses=problems("JQ007"),
)
async def remove_schedule(
    name: ScheduleName, database: NamedDependency[Database], access: NamedDependency[Access]
) -> Schedule:
    """Remove a schedule; its jobs stay."""
    async with database.connection() as conn:
        return presented(only(await db.call(conn, "unschedule", ScheduleRow, name=name)), access)


@post(
    "/schedules/{name:str}/pause",
    opt={"right": Right.OPERATE},
    status_code=200,
    responses=problems("JQ007"),
)
async def pause_schedule(
    name: ScheduleName, database: NamedDependency[Database], access: NamedDependency[Access]
) -> Schedule:
    """Stop a schedule; what comes due until it is resumed is not made up for."""
    async with database.connection() as conn:
        rows = await db.call(conn, "pause_schedule", ScheduleRow, name=name)
    return presented(only(rows), access)


@post(
    "/schedules/{name:str}/resume",
    opt={"right": Right.OPERATE},
    status_code=200,
    responses=problems("JQ007"),
)
async def resume_schedule(
    name: ScheduleName, database: NamedDependency[Database], access: NamedDependency[Access]
) -> Schedule:
    """Let a paused schedule go on."""
    async with database.connection() as conn:
        rows = await db.call(conn, "resume_schedule", ScheduleRow, name=name)
    return presented(only(rows), access)


@post(
    "/schedules/{name:str}/run",
    opt={"right": Right.OPERATE},
    responses=problems("JQ005", "JQ007", "JQ014"),
    response_description="The new job.",
    response_headers=[ResponseHeader(name="Location", value="/jobs/1", documentation_only=True)],
)
async def run_schedule(
    name: ScheduleName, database: NamedDependency[Database], access: NamedDependency[Access]
) -> Response[shapes.Job]:
    """Enqueue the job of a schedule now, also while it is paused."""
    async with database.connection() as conn, conn.transaction():
        job_id = await db.call_value(conn, "run_schedule", name=name)
        row = only(await db.call(conn, "job", JobView, id=job_id))
    return Response(
        present.job(row, access), status_code=201, headers={"Location": f"/jobs/{job_id}"}
    )


@get("/schedules/{name:str}/next", opt={"right": Right.READ}, responses=problems("JQ007"))
async def next_runs(
    name: ScheduleName, database: NamedDependency[Database], count: Count = 5
) -> NextRuns:
    """Tell when a schedule comes next, paused or not."""
    async with database.connection() as conn:
        return NextRuns(items=await db.call_values(conn, "next_runs", name=name, count=count))


@get("/next-runs", opt={"right": Right.READ}, responses=problems())
async def next_runs_of(
    database: NamedDependency[Database],
    cron: Annotated[str, QueryParameter(max_length=1000, description="As in a schedule.")],
    time_zone: Annotated[str | None, QueryParameter(description="Default: UTC.")] = None,
    count: Count = 5,
) -> NextRuns:
    """Tell when a schedule that is not made yet would come."""
    async with database.connection() as conn:
        return NextRuns(
            items=await db.call_values(
                conn, "next_runs", cron=cron, time_zone=or_absent(time_zone), count=count
            )
        )


ROUTES: list[HTTPRouteHandler] = [
    list_schedules,
    get_schedule,
    set_schedule,
    remove_schedule,
    pause_schedule,
    resume_schedule,
    run_schedule,
    next_runs,
    next_runs_of,
]
