"""Rows of an older or newer schema than the package was made for."""

from __future__ import annotations

from collections.abc import AsyncIterator

import psycopg
import pytest

from forge.db import Connection, call
from forge.errors import NotInstalled
from forge.models import Enqueued
from tests.database import Database

pytestmark = pytest.mark.anyio

MAKE = """
drop function if exists forge.made();
drop type if exists forge.made_row;
create type forge.made_row as ({columns});
create function forge.made() returns setof forge.made_row language sql as 'select {values}'
"""


def make(db: Database, columns: str, values: str) -> None:
    for statement in MAKE.format(columns=columns, values=values).split(";"):
        db.rows(statement)


@pytest.fixture
async def conn(db: Database) -> AsyncIterator[Connection]:
    async with await psycopg.AsyncConnection.connect(db.direct, autocommit=True) as connection:
        connection.prepare_threshold = 0  # as after the fifth call
        yield connection


async def test_what_is_prepared_outlives_a_column_that_a_later_schema_adds(
    db: Database, conn: Connection
) -> None:
    make(db, "id bigint, created boolean", "7, true")
    before = await call(conn, "made", Enqueued)

    make(db, "id bigint, created boolean, later text", "8, true, null::text")
    after = await call(conn, "made", Enqueued)

    assert (before, after) == ([Enqueued(id=7, created=True)], [Enqueued(id=8, created=True)])


async def test_columns_are_told_apart_by_their_names(db: Database, conn: Connection) -> None:
    make(db, "created boolean, id bigint", "true, 7")

    assert await call(conn, "made", Enqueued) == [Enqueued(id=7, created=True)]


async def test_a_column_that_an_older_schema_lacks_is_another_version(
    db: Database, conn: Connection
) -> None:
    make(db, "id bigint, other boolean", "7, true")

    with pytest.raises(NotInstalled, match='column "created" does not exist'):
        await call(conn, "made", Enqueued)
