"""GET /events: server-sent events. Authorised like any other route, by header, and again later."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing

from litestar import get
from litestar.di import NamedDependency
from litestar.response import Stream

from forge.api.access import Access, Right
from forge.api.documented import problems
from forge.api.doorman import Doorman
from forge.api.hub import Hub


async def _frames(hub: Hub, doorman: Doorman, access: Access) -> AsyncIterator[bytes]:
    """The stream, until its token is revoked."""
    stay = doorman.enter(access)
    try:
        async with aclosing(hub.frames(lambda: stay.welcome)) as frames:
            async for frame in frames:
                yield frame
    finally:
        doorman.leave(stay)


@get(
    "/events",
    opt={"right": Right.READ, "no_compression": True},  # frames would wait to be packed
    media_type="text/event-stream",
    responses=problems(),
    response_description=(
        "Events named stats, queues, jobs, dead, workers, warnings, schedules and problem; "
        "the data of each is the whole topic."
    ),
)
async def events(
    hub: NamedDependency[Hub],
    doorman: NamedDependency[Doorman],
    access: NamedDependency[Access],
) -> Stream:
    """Watch: server-sent events with the newest numbers, jobs, workers, warnings."""
    hub.admit()
    return Stream(
        _frames(hub, doorman, access),
        media_type="text/event-stream",
        # nginx would hold the frames back otherwise
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )
