"""What `make check` makes of pip-audit's words."""

from __future__ import annotations

import json
from typing import Any

from tests.audit import verdict

SOUND = {"name": "sound", "version": "1", "vulns": []}
HOLED = {"name": "holed", "version": "2", "vulns": [{"id": "CVE-1", "fix_versions": ["3"]}]}
UNKNOWN = {"name": "unknown", "skip_reason": "not found"}


def report(*packages: dict[str, Any]) -> str:
    return json.dumps({"dependencies": packages, "fixes": []})


def test_a_known_hole_fails_the_check() -> None:
    assert verdict(report(SOUND, HOLED)) == (
        False,
        ["holed 2: CVE-1, mended in 3", "2 dependencies audited, 1 known holes"],
    )


def test_sound_dependencies_pass_and_those_without_a_word_are_counted() -> None:
    said = "1 dependencies audited, 0 known holes; no word on 1"
    assert verdict(report(SOUND, UNKNOWN)) == (True, [said])


def test_a_machine_that_cannot_ask_says_so_and_goes_on() -> None:
    for nothing in ("", "ERROR: no route", "[]", report(), report(UNKNOWN)):
        will_do, (said,) = verdict(nothing)
        assert will_do
        assert "not audited" in said
