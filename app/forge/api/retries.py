"""Retry rules by class of error."""

from __future__ import annotations

from litestar import get, put
from litestar.di import NamedDependency
from litestar.params import JSONBody

from forge import db
from forge.api import present, shapes
from forge.api.access import Right
from forge.api.bodies import NewRetryRules
from forge.api.database import Database
from forge.api.documented import WITH_BODY, problems
from forge.api.parameters import NameFilter, or_absent
from forge.models import RetryRule


@get("/retry-rules", opt={"right": Right.READ}, responses=problems())
async def list_retry_rules(
    database: NamedDependency[Database], queue: NameFilter = None, type: NameFilter = None
) -> shapes.RetryRules:
    """List retry rules in the order in which a failure asks them."""
    async with database.connection() as conn:
        rows = await db.call(
            conn, "list_retry_rules", RetryRule, queue=or_absent(queue), type=or_absent(type)
        )
    return shapes.RetryRules(items=[present.retry_rule(row) for row in rows])


@put("/retry-rules", opt={"right": Right.OPERATE}, responses=problems(*WITH_BODY))
async def set_retry_rules(
    database: NamedDependency[Database], data: JSONBody[NewRetryRules]
) -> shapes.RetryRules:
    """Replace the retry rules of a type, of a queue, or those for all."""
    async with database.connection() as conn:
        rows = await db.call(
            conn,
            "set_retry_rules",
            RetryRule,
            rules=db.jsonb([rule.as_rule() for rule in data.rules]),
            queue=or_absent(data.queue),
            type=or_absent(data.type),
        )
    return shapes.RetryRules(items=[present.retry_rule(row) for row in rows])
