"""GET /events: server-sent events. Authorised like any other route, by header."""

from __future__ import annotations

from litestar import get
from litestar.di import NamedDependency
from litestar.response import Stream

from forge.api.access import Right
from forge.api.documented import problems
from forge.api.hub import Hub


@get(
    "/events",
    opt={"right": Right.READ},
    media_type="text/event-stream",
    responses=problems(),
    response_description=(
        "Events named stats, queues, jobs, dead, workers, warnings, schedules and problem; "
        "the data of each is the whole topic."
    ),
)
async def events(hub: NamedDependency[Hub]) -> Stream:
    """Watch: server-sent events with the newest numbers, jobs, workers, warnings."""
    hub.admit()
    return Stream(
        hub.frames(),
        media_type="text/event-stream",
        # nginx would hold the frames back otherwise
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )
