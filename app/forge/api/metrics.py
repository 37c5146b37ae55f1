"""GET /metrics: what Prometheus reads, the database's numbers and those of this server."""

from __future__ import annotations

from litestar import get
from litestar.di import NamedDependency
from litestar.response import Response

from forge import db
from forge.api.access import Right
from forge.api.counting import Counting
from forge.api.database import Database
from forge.api.documented import problems
from forge.api.hub import Hub

MEDIA_TYPE = "text/plain; version=0.0.4"  # Litestar adds the charset


@get(
    "/metrics",
    opt={"right": Right.READ},
    media_type=MEDIA_TYPE,
    responses=problems(),
    response_description="The text format of Prometheus.",
)
async def metrics(
    database: NamedDependency[Database],
    counting: NamedDependency[Counting],
    hub: NamedDependency[Hub],
) -> Response[bytes]:
    """Read all numbers in the text format of Prometheus."""
    async with database.connection() as conn:
        lines = await db.call_values(conn, "prometheus")
    of_sql = "".join(f"{line}\n" for line in lines)
    return Response(of_sql.encode() + counting.text(hub.viewers), media_type=MEDIA_TYPE)
