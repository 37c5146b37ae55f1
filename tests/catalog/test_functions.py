"""What every function has: one signature, a manual, a pinned path, rights granted by name."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

from tests.catalog.functions import Function, functions
from tests.database import Conn

TESTS = Path(__file__).parents[1]

# `now` is called once a row by the others, with their rights; its body names everything in full.
# The rest make something in their caller's name: a function, or a trigger on a table of theirs.
NOT_DEFINER = {"now", "register_sql_handler", "on_change", "off_change"}
# What those need of Forge's rights, and what runs the code of others with none.
DEFINER_HELPERS = {
    "_open_sql_handler",
    "_keep_sql_handler",
    "_call_handler",
    "_check_change",
    "_on_change",
    "_enqueue_changes",
}


@pytest.fixture
def everything(tx: Conn) -> list[Function]:
    return functions(tx)


@pytest.fixture
def public(everything: list[Function]) -> list[Function]:
    return [f for f in everything if f.public]


def test_no_function_has_an_overload(everything: list[Function]) -> None:
    counts = Counter(f.name for f in everything)
    assert [name for name, count in counts.items() if count > 1] == []


def test_every_manual_begins_with_one_sentence(everything: list[Function]) -> None:
    def is_sentence(f: Function) -> bool:
        # The helpers' manuals are one paragraph, which may go on over the line.
        first = f.manual.split("\n\n")[0].split("\n")[0] if f.public else f.manual.split("\n\n")[0]
        return bool(re.fullmatch(r"[A-Z].+\.", first, re.DOTALL)) and len(first) > 15

    assert [f.name for f in everything if not is_sentence(f)] == []


def test_every_public_manual_tells_what_is_returned_and_shows_a_call(
    public: list[Function],
) -> None:
    def is_complete(f: Function) -> bool:
        wanted = ["Returns: ", "Example: "] + (["Parameters:\n"] if f.parameters else [])
        return all(f"\n{part}" in f.manual for part in wanted)

    assert [f.name for f in public if not is_complete(f)] == []


def test_every_parameter_of_a_public_function_is_in_its_manual(public: list[Function]) -> None:
    missing = [
        f"{f.name}({parameter})"
        for f in public
        for parameter in f.parameters
        if not re.search(
            rf"^  ([a-z_]+, )*\n?\s*([a-z_]+, )*{parameter}\b",
            f.manual.partition("Parameters:\n")[2].partition("\nReturns:")[0],
            re.MULTILINE,
        )
    ]
    assert missing == []


def test_every_manual_of_a_helper_says_that_it_is_internal(everything: list[Function]) -> None:
    helpers = [f for f in everything if not f.public]
    assert [f.name for f in helpers if not f.manual.endswith(" Internal.")] == []


def test_public_functions_run_as_the_owner_with_a_pinned_path(public: list[Function]) -> None:
    pin = "search_path=pg_catalog, forge, pg_temp"
    astray = [f.name for f in public if not (f.definer and pin in f.settings)]
    assert set(astray) == NOT_DEFINER


def test_helpers_run_as_their_caller(everything: list[Function]) -> None:
    def is_pinned(f: Function) -> bool:
        # what the planner may do, and how long to wait, is nobody's right
        return any(not setting.startswith(("enable_", "lock_timeout=")) for setting in f.settings)

    astray = {f.name for f in everything if not f.public and (f.definer or is_pinned(f))}
    assert astray == DEFINER_HELPERS
    assert all(
        any(s.startswith("search_path=pg_catalog") for s in f.settings)
        for f in everything
        if f.name in DEFINER_HELPERS
    )


def test_no_function_returns_an_anonymous_table(everything: list[Function]) -> None:
    assert [f.name for f in everything if f.result.lower().startswith("table")] == []


def test_every_function_of_the_public_is_named_in_a_test(public: list[Function]) -> None:
    here = Path(__file__).parent
    texts = "\n".join(
        path.read_text() for path in TESTS.rglob("test_*.py") if here not in path.parents
    )
    assert [f.name for f in public if not re.search(rf"\b{f.name}\b", texts)] == []


def test_every_table_has_a_comment_and_every_constraint_a_name(tx: Conn) -> None:
    silent = tx.execute(
        """
        select c.relname from pg_class as c
        where c.relnamespace = 'forge'::regnamespace and c.relkind in ('r', 'p', 'v')
            and not c.relispartition and c.relname !~ '^_'
            and obj_description(c.oid, 'pg_class') is null
        """
    ).fetchall()
    unnamed = tx.execute(
        r"""
        select c.conrelid::regclass::text as relation, c.conname
        from pg_constraint as c join pg_class as r on r.oid = c.conrelid
        where c.connamespace = 'forge'::regnamespace and c.contype <> 'n' and r.relname !~ '^_'
            and not r.relispartition
            and (c.conname !~ ('^' || r.relname || '_') or c.conname ~ '_(check|key)\d*$')
        """
    ).fetchall()
    assert (silent, unnamed) == ([], [])
