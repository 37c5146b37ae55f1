"""SECURITY.md names tests that exist, and every file of tests/security that attacks."""

from __future__ import annotations

import re

from tests.docs.blocks import ROOT

TEXT = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
NAMED = re.findall(r"`(\w+/test_\w+\.py)::(test_\w+)`", TEXT)


def test_every_test_that_it_names_exists() -> None:
    assert len(NAMED) > 50
    missing = [
        f"{path}::{name}"
        for path, name in NAMED
        if not re.search(rf"^(async )?def {name}\(", (ROOT / "tests" / path).read_text(), re.M)
    ]
    assert missing == []


def test_it_names_every_attack() -> None:
    here = {
        f"security/{path.name}"
        for path in (ROOT / "tests" / "security").glob("test_*.py")
        if path.name not in ("test_audit.py", "test_takeouts.py")
    }
    assert here <= {path for path, _ in NAMED}
