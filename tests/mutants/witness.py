"""A plugin of pytest that writes down which test failed first: what a mutant is killed by."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

FILE = "FORGE_MUTANTS_WITNESS"

_passed = 0


def _write(**seen: object) -> None:
    path = Path(os.environ[FILE])
    path.write_text(json.dumps(seen), encoding="utf-8")


def pytest_runtest_logstart(nodeid: str) -> None:
    # Stands if the test hangs, and its time limit ends the process.
    _write(test=nodeid, hung=True, loaded=_passed > 0, message="it hung")


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    global _passed
    if report.failed:
        crash = getattr(report.longrepr, "reprcrash", None)
        message = crash.message if crash else str(report.longrepr)
        _write(
            test=report.nodeid,
            hung=False,
            # A failure to set up the very first test is one to load the functions.
            loaded=_passed > 0 or report.when != "setup",
            message=next(iter(message.strip().splitlines()), ""),
        )
    elif report.when == "call":
        _passed += 1
