"""What Python and the manual repeat of SQL is equal to it."""

from __future__ import annotations

import re

import pytest

from forge import models
from forge.errors import BY_CODE
from forge.sqlfiles import SqlFiles
from tests.database import Conn

STRUCTS = [
    value
    for value in vars(models).values()
    if isinstance(value, type) and issubclass(value, models.Row) and value is not models.Row
]
RAISED = re.compile(r"errcode = '(\w+)'")


@pytest.mark.parametrize("struct", STRUCTS, ids=lambda struct: struct.__name__)
def test_a_struct_has_the_columns_of_its_row_type_in_order(
    tx: Conn, struct: type[models.Row]
) -> None:
    found = re.search(r"SQL: (forge\.\w+)", struct.__doc__ or "")
    assert found is not None
    columns = tx.execute(
        "select attname as name from pg_attribute where attrelid = %s::regclass and attnum > 0 "
        "and not attisdropped order by attnum",
        (found[1],),
    ).fetchall()

    assert list(struct.__struct_fields__) == [column["name"] for column in columns]


def test_python_knows_the_error_codes_of_sql(tx: Conn) -> None:
    listed = {
        row["code"]: row["name"] for row in tx.execute("select * from forge.errors()").fetchall()
    }
    assert {code: error.name for code, error in BY_CODE.items()} == listed


def test_the_codes_raised_are_the_codes_listed(tx: Conn) -> None:
    sources = "".join(path.read_text() for path in SqlFiles.shipped().procedure_files())
    listed = {row["code"] for row in tx.execute("select * from forge.errors()").fetchall()}

    assert set(RAISED.findall(sources)) == listed
