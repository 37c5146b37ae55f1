"""Tokens from Python."""

from __future__ import annotations

import hashlib
from datetime import timedelta

import pytest

from forge import Forge
from forge.errors import InvalidArgument
from tests.database import Database

pytestmark = pytest.mark.anyio


async def test_a_token_is_made_recognised_and_revoked(db: Database) -> None:
    async with Forge(db.dsn) as forge:
        assert not await forge.needs_token()
        made = await forge.create_token("viewer", "wall", expires_in=timedelta(days=1))
        assert await forge.needs_token()
        assert made.token not in repr(made)

        hash = hashlib.sha256(made.token.encode()).digest()
        found = await forge.authenticate(hash)
        assert found is not None
        assert (found.id, found.role) == (made.id, "viewer")
        assert [row.id for row in await forge.list_tokens()] == [made.id]

        revoked = await forge.revoke_token(made.id)
        assert revoked is not None
        assert revoked.revoked_at is not None
        assert await forge.authenticate(hash) is None
        assert await forge.revoke_token(made.id + 1) is None
        with pytest.raises(InvalidArgument):
            await forge.create_token("admin", "x")
