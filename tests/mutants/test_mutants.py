"""The table of mutants fits procedures/, the record is whole, and a hunt tells what it sees."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from tests.mutants.hunt import BROKEN, KILLED, SURVIVED, TIME_UP, Fate, Preserve
from tests.mutants.mutant import ROOT, Mutant, NotThere, rest_of_tests
from tests.mutants.results import merged, write
from tests.mutants.table import MUTANTS

TEST = """
import time
from pathlib import Path

import pytest

@pytest.fixture
def loaded():
    assert "syntax error" not in Path("procedures/f.sql").read_text()

def test_first(loaded):
    pass

def test_second(loaded):
    text = Path("procedures/f.sql").read_text()
    if "hang" in text:
        time.sleep(60)
    assert "limit 1" in text
"""


def mutant(new: str) -> Mutant:
    return Mutant(name="m", file="f", old="limit 1", new=new, defence="a limit", near=("test_f",))


@pytest.fixture
def preserve(tmp_path: Path) -> Preserve:
    for name, text in (("procedures/f.sql", "select 1 limit 1"), ("tests/test_f.py", TEST)):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_text(text)
    return Preserve(tmp_path, "")


def test_each_mutant_changes_its_file() -> None:
    for each in MUTANTS:
        original = (ROOT / "procedures" / f"{each.file}.sql").read_text(encoding="utf-8")
        assert each.applied_to(ROOT / "procedures") != original, each.name
    assert [name for name, times in Counter(m.name for m in MUTANTS).items() if times > 1] == []


def test_the_tests_that_are_to_kill_it_exist() -> None:
    assert {
        path for m in MUTANTS for path in m.near_tests() if not (ROOT / path).is_file()
    } == set()
    assert all(rest_of_tests(ROOT, []))


def test_each_mutant_was_hunted_and_none_got_away() -> None:
    known = merged([])
    equivalent = {m.name for m in MUTANTS if m.equivalent}
    assert set(known) == {m.name for m in MUTANTS}
    assert {name for name, fate in known.items() if fate.outcome != KILLED} == equivalent


@pytest.mark.parametrize(
    ("new", "outcome", "test"),
    [
        ("", KILLED, "tests/test_f.py::test_second"),
        ("limit 1 -- again", SURVIVED, ""),
        ("syntax error", BROKEN, "tests/test_f.py::test_first"),
    ],
)
def test_a_hunt_tells_by_whom(preserve: Preserve, new: str, outcome: str, test: str) -> None:
    fate = preserve.hunt(mutant(new), limit=60, near_only=True)
    assert (fate.outcome, fate.test) == (outcome, test)
    assert (preserve.root / "procedures/f.sql").read_text() == "select 1 limit 1"


def test_a_hunt_ends_in_time(preserve: Preserve) -> None:
    assert preserve.hunt(mutant("hang"), limit=1, near_only=True).outcome == TIME_UP


def test_what_is_not_there_cannot_be_changed(preserve: Preserve) -> None:
    absent = Mutant(name="m", file="f", old="limit 2", new="", defence="", near=())
    with pytest.raises(NotThere):
        preserve.hunt(absent, limit=1, near_only=True)


def test_a_hunt_of_one_leaves_the_record_of_the_others(tmp_path: Path) -> None:
    record = tmp_path / "results.md"
    first, second = (m.name for m in MUTANTS[:2])
    write({first: Fate(mutant=first, outcome=SURVIVED)}, record)
    write(merged([Fate(mutant=second, outcome=KILLED, test="t::a[1 | 2]")], record), record)
    known = merged([], record)
    assert [(known[name].outcome, known[name].test) for name in (first, second)] == [
        (SURVIVED, ""),
        (KILLED, "t::a[1 | 2]"),
    ]
