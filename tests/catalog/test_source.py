"""A lint over procedures/*.sql, for what no tool that we know checks inside function bodies."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from forge.sqlfiles import SqlFiles

FILES = SqlFiles.shipped().procedure_files()
WIDTH = 110
LENGTH = 400
KEYWORDS = """
    select from where insert into update set delete values begin end declare return query if then
    else elsif loop perform raise exception create replace function language returns and or not
    null order by group limit join on conflict with as case when for in
"""
STRINGS = re.compile(r"'(?:[^']|'')*'")
# After these words comes the name of a relation of Forge, or of one that is named right there.
RELATION = re.compile(r"\b(?:from|join|into|update|delete from)\s+([a-z_]\w*)\b(?!\s*[.(])")
TABLES = """
    jobs history history_default dead_jobs workers queues types settings tallies queue_totals
    throughput_samples tick_tasks all_jobs schedules
    retry_rules pauses dead_tallies error_groups revivals
    spent_keys admissions deferrals payload_checks
    job_logs job_logs_default log_settings sql_handlers
    latency_samples history_looks
    limits lines turns starts dependencies open_dependencies ripe_jobs conditions
"""
DYNAMIC = {
    "16_payload_checks.sql",
    "17_set_admission.sql",
    "61_partitions.sql",
    "62_latency.sql",
    "66_conditions.sql",
    "81_sql_handlers.sql",
    "83_run.sql",
    "84_changes.sql",
    "85_register.sql",
    "99_grants.sql",
}

each_file = pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)


def code(path: Path) -> list[str]:
    """The lines without comments and the contents of strings."""
    text = STRINGS.sub(
        lambda m: "''" + "\n" * m[0].count("\n"), path.read_text().replace("$'", "$")
    )
    return [line.split("--")[0] for line in text.splitlines()]


def numbered(path: Path, pattern: str, lines: list[str]) -> list[str]:
    return [
        f"{path.name}:{number}: {line.strip()}"
        for number, line in enumerate(lines, 1)
        if re.search(pattern, line)
    ]


@each_file
def test_a_file_opens_by_saying_what_it_is_for(path: Path) -> None:
    first, second, *_ = path.read_text().splitlines()
    assert re.fullmatch(r"-- [A-Z].*", first)
    assert second.startswith("--")


@each_file
def test_lines_are_clean_and_narrow_and_files_short(path: Path) -> None:
    lines = path.read_text().splitlines()
    assert numbered(path, r"\t|\s$", lines) == []
    assert [number for number, line in enumerate(lines, 1) if len(line) > WIDTH] == []
    assert len(lines) <= LENGTH


@each_file
def test_keywords_are_in_lower_case(path: Path) -> None:
    shouted = rf"\b({'|'.join(word.upper() for word in KEYWORDS.split())})\b"
    assert numbered(path, shouted, code(path)) == []


@each_file
def test_no_function_returns_an_anonymous_table(path: Path) -> None:
    assert numbered(path, r"returns table", code(path)) == []


@each_file
def test_no_error_is_raised_without_a_code(path: Path) -> None:
    assert numbered(path, r"raise (exception|warning)(?! using)", code(path)) == []


@each_file
def test_every_table_is_named_with_its_schema(path: Path) -> None:
    bare = [
        name for line in code(path) for name in RELATION.findall(line) if name in TABLES.split()
    ]
    assert bare == []


@each_file
def test_functions_are_made_in_the_schema(path: Path) -> None:
    assert numbered(path, r"create (or replace )?(function|view) (?!forge\.)", code(path)) == []


@each_file
def test_statements_are_composed_only_where_names_are_not_known(path: Path) -> None:
    if path.name not in DYNAMIC:
        assert numbered(path, r"^\s*execute\b|\bexecute format", code(path)) == []


@each_file
def test_no_function_is_strict(path: Path) -> None:
    # It would turn a mistake into a silent null.
    assert numbered(path, r"\bstrict\b|returns null on null", code(path)) == []


@each_file
def test_a_claim_of_rows_holds_no_value_that_is_looked_up(path: Path) -> None:
    """As soon as another session has changed one of the rows, PostgreSQL evaluates all of these
    anew, also where a `case` had spared the statement that: a claim then read every dead row.
    """
    claims = [
        statement for statement in "\n".join(code(path)).split(";") if "skip locked" in statement
    ]
    looked_up = r"(?:\b(?:then|else|and|or|where)|[=<>+,(-])\s*\(\s*select\b"
    assert [claim for claim in claims if re.search(looked_up, claim)] == []
