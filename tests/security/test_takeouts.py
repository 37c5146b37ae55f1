"""That what SECURITY.md says and what the table takes out are the same; `takeouts` runs it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.security.takeouts.table import TAKEOUTS, Takeout

ROOT = Path(__file__).parents[2]
TABLE = [takeout for part in TAKEOUTS.values() for takeout in part]
NAMED = re.compile(r"`([\w/]+\.py::\w+)`")


def test_every_test_of_security_md_has_its_defence_taken_out() -> None:
    named = set(NAMED.findall((ROOT / "SECURITY.md").read_text()))
    assert named == {takeout.test for takeout in TABLE}


@pytest.mark.parametrize("takeout", TABLE, ids=lambda it: f"{it.test}-{it.attack}")
def test_there_is_still_something_to_take_out(takeout: Takeout) -> None:
    assert takeout.old in (ROOT / takeout.file).read_text()
    file, name = takeout.test.split("::")
    assert re.search(rf"def {name}\(", (ROOT / "tests" / file).read_text())


def test_the_notes_tell_of_each() -> None:
    notes = (ROOT / "tests/security/NOTES.md").read_text()
    missing = {it.attack for it in TABLE if f"| {it.attack} |" not in notes}
    assert missing == set()
