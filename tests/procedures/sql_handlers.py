"""SQL functions as handlers, for tests."""

from __future__ import annotations

from typing import Any

from psycopg import sql
from psycopg.rows import DictRow

from tests.procedures.calls import Calls

EFFECTS = "create table if not exists public.effects (n text)"


def define(call: Calls, name: str, body: str, language: str = "plpgsql") -> str:
    """A function of this name, `(payload jsonb) returns jsonb`, and a table for its effects."""
    call.select("set client_min_messages = warning")
    call.select(EFFECTS)
    text = sql.SQL("create or replace function {}(payload jsonb) returns jsonb language {} as {}")
    path = sql.Identifier(*name.split("."))
    call.connection.execute(text.format(path, sql.SQL(language), sql.Literal(body)))
    return name


def handler(
    call: Calls, body: str, type: str = "sql", name: str = "public.handler", **options: Any
) -> DictRow:
    """A function of this body, registered."""
    define(call, name, f"begin {body} end")
    return call.row("register_sql_handler", type=type, function=name, **options)


def effects(call: Calls) -> list[str]:
    return [row["n"] for row in call.select("select n from public.effects order by n")]
