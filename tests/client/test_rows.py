"""Rows of an older or newer schema than the package was made for."""

from __future__ import annotations

import psycopg
import pytest

from forge.db import struct_row
from forge.models import Enqueued
from tests.database import Database

pytestmark = pytest.mark.anyio


async def rows(db: Database, query: str) -> list[Enqueued]:
    async with (
        await psycopg.AsyncConnection.connect(db.dsn) as conn,
        conn.cursor(row_factory=struct_row(Enqueued)) as cursor,
    ):
        await cursor.execute(query.encode())
        return await cursor.fetchall()


async def test_a_column_that_a_later_schema_adds_is_left_out(db: Database) -> None:
    found = await rows(db, "select 7::bigint as id, true as created, 'new' as later")
    assert found == [Enqueued(id=7, created=True)]


@pytest.mark.parametrize("query", ["select 7 as id", "select true as created, 7 as id"])
async def test_a_column_that_is_missing_or_elsewhere_is_an_error(db: Database, query: str) -> None:
    with pytest.raises(TypeError, match="Enqueued has the fields"):
        await rows(db, query)
