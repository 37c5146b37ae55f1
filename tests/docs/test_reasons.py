"""Every reason that explain gives is in its manual, in its guide, and brought about by a test."""

from __future__ import annotations

import re

import pytest

from tests.docs.blocks import ROOT

MANUAL = (ROOT / "procedures" / "73_explain.sql").read_text(encoding="utf-8")
LISTED = re.search(r"all that hold: code \((.*?)\)", MANUAL, re.DOTALL)
CODES = re.split(r",\s+", LISTED[1]) if LISTED else []
GUIDE = (ROOT / "procedures" / "guides" / "explain.md").read_text(encoding="utf-8")
TESTS = "".join(
    path.read_text(encoding="utf-8")
    for folder in ("procedures", "concurrency")
    for path in sorted((ROOT / "tests" / folder).glob("*.py"))
)


@pytest.mark.parametrize("code", CODES)
def test_a_reason_is_in_the_guide_and_in_a_test(code: str) -> None:
    assert f"`{code}`" in GUIDE
    assert f'"{code}"' in TESTS or f'"{code.upper()}"' in TESTS


def test_the_manual_lists_every_reason_that_the_functions_give() -> None:
    given: set[str] = set()
    for path in sorted((ROOT / "procedures").glob("*.sql")):
        for body in re.findall(
            r"function forge\._explain_\w+\(.*?\$function\$;", path.read_text(), re.DOTALL
        ):
            given |= set(re.findall(r"(?:return next \(|::forge\.reason;\s+\()\s*'(\w+)',", body))
    assert given
    assert given <= set(CODES)
