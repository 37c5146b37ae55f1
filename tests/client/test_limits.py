"""Limits from Python."""

from __future__ import annotations

from datetime import timedelta

import pytest

from forge import Forge
from forge.errors import InvalidArgument
from tests.database import Database

pytestmark = pytest.mark.anyio


async def test_limits_are_set_listed_and_taken_away(db: Database) -> None:
    async with Forge(db.dsn) as forge:
        row = await forge.set_limits("mail", max_running=2, rate=5, per=timedelta(minutes=1))
        assert (row.max_running, row.rate, row.per) == (2, 5, timedelta(minutes=1))
        assert await forge.list_limits("mail") == [row]

        row = await forge.set_limits("mail", key_max_running=1, unset=["rate", "max_running"])
        assert (row.max_running, row.rate, row.key_max_running) == (None, None, 1)

        with pytest.raises(InvalidArgument):
            await forge.set_limits("mail", max_running=0)
