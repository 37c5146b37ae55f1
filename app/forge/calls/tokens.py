"""Tokens of the HTTP API: made, listed, revoked, recognised."""

from __future__ import annotations

from datetime import timedelta

from forge.calls.arguments import given
from forge.calls.caller import Caller
from forge.db import Connection
from forge.models import NewToken, Token


class TokenCalls(Caller):
    async def create_token(
        self,
        role: str,
        name: str,
        *,
        expires_in: timedelta | None = None,
        connection: Connection | None = None,
    ) -> NewToken:
        """Makes a token for the HTTP API and returns it, this once.

        The first one closes the API to callers without a token.
        Raises `InvalidArgument`. SQL: forge.create_token
        """
        arguments = given(role=role, name=name, expires_in=expires_in)
        return await self._one(NewToken, "create_token", connection, **arguments)

    async def revoke_token(self, id: int, *, connection: Connection | None = None) -> Token | None:
        """Ends a token for good. Every API heeds it within 5 seconds, on open event streams too.

        None where no token has this id. SQL: forge.revoke_token
        """
        rows = await self._many(Token, "revoke_token", connection, id=id)
        return rows[0] if rows else None

    async def list_tokens(
        self, *, before: int | None = None, max_rows: int | None = None
    ) -> list[Token]:
        """The tokens of the HTTP API, the newest first, without what would let anybody in.

        `before` is the last id of the page before. Raises `InvalidArgument`. SQL: forge.list_tokens
        """
        return await self._many(Token, "list_tokens", **given(before=before, max_rows=max_rows))

    async def authenticate(self, hash: bytes) -> Token | None:
        """Whose token has this SHA-256. An API asks this; it never sends the token itself.

        None where it is unknown, revoked or expired. SQL: forge.authenticate
        """
        rows = await self._many(Token, "authenticate", hash=hash)
        return rows[0] if rows else None

    async def needs_token(self) -> bool:
        """Whether the HTTP API asks its callers for a token, because there is or was one.

        SQL: forge.needs_token
        """
        needed: bool = await self._value("needs_token")
        return needed
