"""What queues and types take in: depths and schemas."""

from __future__ import annotations

from litestar import delete, get, put
from litestar.di import NamedDependency
from litestar.params import JSONBody

from forge import db
from forge.api import present, shapes
from forge.api.access import Right
from forge.api.change_bodies import AdmissionSettings, SchemaBody
from forge.api.database import Database
from forge.api.documented import WITH_BODY, problems
from forge.api.parameters import QueuePath, TypePath, only
from forge.models import AdmissionRow, PayloadCheckRow


@get("/admissions", opt={"right": Right.READ}, responses=problems())
async def list_admissions(database: NamedDependency[Database]) -> shapes.Admissions:
    """List the queues that take in a limited number of jobs."""
    async with database.connection() as conn:
        rows = await db.call(conn, "list_admissions", AdmissionRow)
    return shapes.Admissions(items=[present.admission(row) for row in rows])


# The names of queues and types may hold slashes, hence `path` at the end.
@put(
    "/admissions/{name:path}",
    opt={"right": Right.OPERATE},
    responses=problems(*WITH_BODY),
)
async def set_admission(
    name: QueuePath, data: JSONBody[AdmissionSettings], database: NamedDependency[Database]
) -> shapes.Admission:
    """Limit how many jobs a queue takes in."""
    queue = name.removeprefix("/")
    async with database.connection() as conn:
        rows = await db.call(conn, "set_admission", AdmissionRow, queue=queue, **data.arguments())
    return present.admission(only(rows))


@delete(
    "/admissions/{name:path}",
    opt={"right": Right.OPERATE},
    status_code=200,
    responses=problems(),
)
async def remove_admission(
    name: QueuePath, database: NamedDependency[Database]
) -> shapes.Admission:
    """Let a queue take in any number of jobs."""
    async with database.connection() as conn:
        rows = await db.call(
            conn,
            "set_admission",
            AdmissionRow,
            queue=name.removeprefix("/"),
            unset=["max_depth"],
        )
    return present.admission(only(rows))


@get("/schemas", opt={"right": Right.READ}, responses=problems())
async def list_schemas(database: NamedDependency[Database]) -> shapes.Schemas:
    """List what the payloads of types must keep to."""
    async with database.connection() as conn:
        return shapes.Schemas(items=await db.call(conn, "list_payload_checks", PayloadCheckRow))


@put(
    "/schemas/{name:path}",
    opt={"right": Right.OPERATE},
    responses=problems(*WITH_BODY),
)
async def set_schema(
    name: TypePath, data: JSONBody[SchemaBody], database: NamedDependency[Database]
) -> PayloadCheckRow:
    """Hold the payloads of a type to a JSON Schema."""
    async with database.connection() as conn:
        rows = await db.call(
            conn,
            "set_schema",
            PayloadCheckRow,
            type=name.removeprefix("/"),
            schema=db.jsonb(data.schema),
        )
    return only(rows)


@delete(
    "/schemas/{name:path}",
    opt={"right": Right.OPERATE},
    status_code=200,
    responses=problems(),
)
async def remove_schema(name: TypePath, database: NamedDependency[Database]) -> PayloadCheckRow:
    """Let the payloads of a type be anything again."""
    async with database.connection() as conn:
        rows = await db.call(
            conn, "set_schema", PayloadCheckRow, type=name.removeprefix("/"), schema=None
        )
    return only(rows)
