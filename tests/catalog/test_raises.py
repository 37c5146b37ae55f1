"""Every `Raises:` of the manual names the codes that the function's code can come to."""

from __future__ import annotations

import re

import pytest

from tests.database import Conn

SOURCES = """
select proname as name, prosrc as source, obj_description(oid, 'pg_proc') as manual
from pg_proc where pronamespace = 'forge'::regnamespace
"""
EXCEPTION = re.compile(r"raise exception using\s+errcode = '(JQ\d+)'")
CALL = re.compile(r"\bforge\.(\w+)\(")
COMMENT = re.compile(r"--.*")

# Reached by the code and never by a call: a heartbeat hands no results to the check of sizes; the
# tick notes what is wrong with a schedule, and undoes what a condition did (the doctor and the
# warnings name the tick); what schedules and tables make has no key to be refused for, and no
# parents; an overview's lists have no filter.
FLOWS = {"JQ003", "JQ004"}
REFUSED = {"JQ012", "JQ013", "JQ014"}
UNREACHABLE = {
    "heartbeat": {"JQ005"},
    "tick": {"JQ001", "JQ005"} | FLOWS | REFUSED,
    "doctor": {"JQ001", "JQ005"} | FLOWS | REFUSED,
    "warnings": {"JQ001", "JQ005"} | FLOWS | REFUSED,
    "overview": {"JQ005"} | FLOWS | REFUSED,
    "run_schedule": {"JQ012", "JQ013"} | FLOWS,
}


@pytest.fixture
def sources(tx: Conn) -> dict[str, str]:
    rows = tx.execute(SOURCES.encode()).fetchall()
    return {row["name"]: COMMENT.sub("", row["source"] or "") for row in rows}


def reached(name: str, sources: dict[str, str], seen: set[str]) -> set[str]:
    """The codes of a function and of all that it calls."""
    seen.add(name)
    codes = set(EXCEPTION.findall(sources[name]))
    for called in set(CALL.findall(sources[name])) & sources.keys() - seen:
        codes |= reached(called, sources, seen)
    return codes


def test_the_manual_names_every_code_and_no_other(tx: Conn, sources: dict[str, str]) -> None:
    told = {
        row["name"]: set(re.findall(r"JQ\d+", row["manual"].partition("\nRaises:")[2]))
        for row in tx.execute(SOURCES.encode()).fetchall()
        if not row["name"].startswith("_")
    }

    assert told == {
        name: reached(name, sources, set()) - UNREACHABLE.get(name, set()) for name in told
    }


def test_nothing_is_raised_without_a_code(sources: dict[str, str]) -> None:
    raised = re.compile(r"\braise\s+(?:exception|warning|sqlstate|')")
    coded = re.compile(r"\braise (?:exception|warning) using\s+errcode = 'JQ\d+'")

    def count(what: re.Pattern[str], text: str) -> int:
        return len(what.findall(text))

    assert [n for n, text in sources.items() if count(raised, text) != count(coded, text)] == []


def test_every_code_can_be_come_to(sources: dict[str, str]) -> None:
    public = [name for name in sources if not name.startswith("_")]
    codes = set().union(*(reached(name, sources, set()) for name in public))

    assert codes == {"JQ012", "JQ013", "JQ014"} | {f"JQ00{n}" for n in range(1, 8)}
