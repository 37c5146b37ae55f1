"""The tokens of this API itself."""

from __future__ import annotations

from litestar import delete, get, post
from litestar.di import NamedDependency
from litestar.exceptions import NotFoundException
from litestar.handlers import HTTPRouteHandler
from litestar.params import JSONBody

from forge import db
from forge.api import shapes
from forge.api.access import Right
from forge.api.bodies import TokenBody, interval
from forge.api.database import Database
from forge.api.documented import WITH_BODY, problems
from forge.api.parameters import Before, Limit, TokenId, only, or_absent
from forge.models import NewToken, Token


@get("/tokens", opt={"right": Right.OPERATE}, responses=problems())
async def list_tokens(
    database: NamedDependency[Database], before: Before = None, limit: Limit = 50
) -> shapes.Tokens:
    """List tokens, the newest first, without what would let anybody in."""
    async with database.connection() as conn:
        rows = await db.call(conn, "list_tokens", Token, before=or_absent(before), max_rows=limit)
    return shapes.Tokens(items=rows, next=rows[-1].id if len(rows) == limit else None)


@post("/tokens", opt={"right": Right.OPERATE}, responses=problems(*WITH_BODY))
async def create_token(data: JSONBody[TokenBody], database: NamedDependency[Database]) -> NewToken:
    """Make a token. This is the only answer that holds it.

    The first token closes the API: from then on every caller needs one.
    """
    seconds = data.expires_in_seconds
    async with database.connection() as conn:
        return only(
            await db.call(
                conn,
                "create_token",
                NewToken,
                role=data.role,
                name=data.name,
                expires_in=db.ABSENT if seconds is None else interval(seconds),
            )
        )


@delete(
    "/tokens/{token_id:int}",
    opt={"right": Right.OPERATE},
    status_code=200,
    responses=problems(404),
)
async def revoke_token(token_id: TokenId, database: NamedDependency[Database]) -> Token:
    """End a token for good; every API heeds it within 5 seconds, on open event streams too."""
    async with database.connection() as conn:
        rows = await db.call(conn, "revoke_token", Token, id=token_id)
    if not rows:
        raise NotFoundException
    return only(rows)


ROUTES: list[HTTPRouteHandler] = [list_tokens, create_token, revoke_token]
