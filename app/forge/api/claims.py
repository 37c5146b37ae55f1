"""Workers over HTTP claim: at once, or as soon as there is a job."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from litestar import Request, post
from litestar.di import NamedDependency
from litestar.params import JSONBody
from psycopg.errors import Diagnostic

from forge import db
from forge.api import worker_shapes as shapes
from forge.api.access import Access, Right
from forge.api.client import Client, watched
from forge.api.documented import WITH_BODY, problems
from forge.api.guard import unknown
from forge.api.handover import Handover
from forge.api.keeper import Keeper
from forge.api.requests import BATCH_BODY_LIMIT
from forge.api.waiting import WaitingRoom
from forge.api.worker_bodies import Claim, Exchange
from forge.errors import LeaseLost
from forge.models import Job


@post(
    "/worker/dequeue",
    opt={"right": Right.WORK},
    status_code=200,
    responses=problems(*WITH_BODY),
)
async def dequeue(
    data: JSONBody[Claim],
    request: Request[Any, Any, Any],
    access: NamedDependency[Access],
    keeper: NamedDependency[Keeper],
    handover: NamedDependency[Handover],
    waiting_room: NamedDependency[WaitingRoom],
) -> shapes.Claimed:
    """Claim jobs of one queue; with `wait_seconds` as soon as there is one.

    A client that goes away before it is answered claims nothing. End each job with complete, fail,
    release or snooze, and send heartbeats before its lease ends.
    """
    async with watched(request) as client:
        jobs = await _dequeue(
            data, client, handover, waiting_room, lambda: keeper.still_welcome(access)
        )
    return shapes.Claimed(items=[shapes.claimed(job) for job in jobs])


async def _dequeue(
    data: Claim,
    client: Client,
    handover: Handover,
    room: WaitingRoom,
    is_welcome: Callable[[], Awaitable[bool]],
) -> list[Job]:
    arguments = data.arguments()
    call = partial(_call, "dequeue", arguments)
    if not data.wait_seconds:
        return await handover.claim(client, call)
    now = asyncio.get_running_loop().time
    ends_at = now() + data.wait_seconds
    with room.line(data.queue, arguments.get("types")) as line:
        while True:
            jobs = await handover.claim(client, call)
            line.looked(len(jobs), data.max_jobs)
            if jobs or not await line.turn(ends_at - now(), client):
                return jobs
            if not await is_welcome():  # its token was revoked while it waited
                line.nudge()
                raise unknown("this token is not known")


@post(
    "/worker/exchange",
    opt={"right": Right.WORK},
    status_code=200,
    request_max_body_size=BATCH_BODY_LIMIT,
    responses=problems(*WITH_BODY),
)
async def exchange(
    data: JSONBody[Exchange],
    request: Request[Any, Any, Any],
    handover: NamedDependency[Handover],
) -> shapes.Exchanged:
    """Complete finished jobs and claim the next ones, in one round trip and one commit.

    What was finished stays so though the client goes away before it is answered.
    """
    lost: list[int] = []

    async def call(conn: db.Connection) -> list[Job]:
        with _told_of_lost(conn, lost):
            return await _call("exchange", data.arguments(), conn)

    async with watched(request) as client:
        jobs = await handover.claim(client, call)
    return shapes.Exchanged(items=[shapes.claimed(job) for job in jobs], lost=lost)


async def _call(function: str, arguments: dict[str, Any], conn: db.Connection) -> list[Job]:
    return await db.call(conn, function, Job, **arguments)


@contextmanager
def _told_of_lost(conn: db.Connection, lost: list[int]) -> Iterator[None]:
    """`forge.exchange` claims on when a completion came too late, and warns of its id."""

    def on_notice(notice: Diagnostic) -> None:
        if notice.sqlstate == LeaseLost.code:
            lost.extend(int(number) for number in re.findall(r"\d+", notice.message_detail or ""))

    conn.add_notice_handler(on_notice)
    try:
        yield
    finally:
        conn.remove_notice_handler(on_notice)
