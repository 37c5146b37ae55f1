"""Runs tests of a copy of the sources, in a child that has the heavy libraries loaded already.

A start of Python with all that the tests import costs more than most of the tests. The child takes
itself for one of xdist's workers: the server is there, and where no SQL differs, the template too.
"""

from __future__ import annotations

import json
import os
import secrets
import signal
import sys
import tempfile
import time
import traceback
from pathlib import Path

# Loaded before the fork, for all children.
import httpx  # noqa: F401
import litestar  # noqa: F401
import psycopg_pool  # noqa: F401
import pytest
import schemathesis  # noqa: F401
import uvicorn  # noqa: F401

PATIENCE = 240
LOG = Path(tempfile.gettempdir()) / "forge-takeouts.log"  # of the last run of tests
SHARED = secrets.token_hex(4)
BROKEN = ""
# By the name of a test as SECURITY.md has it: what the first failure of it said.
Verdicts = dict[str, str]


class Listening:
    """A plugin: notes what fails."""

    def __init__(self) -> None:
        self.failed: Verdicts = {}

    def pytest_configure(self, config: pytest.Config) -> None:
        config.workerinput = {"workerid": "takeouts"}  # type: ignore[attr-defined]

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            crash = getattr(report.longrepr, "reprcrash", None)
            said = crash.message.splitlines()[0] if crash else f"{report.longrepr}"[-200:]
            test = report.nodeid.partition("[")[0].removeprefix("tests/")
            self.failed.setdefault(test, said)


def play(place: Path, dsn: str, tests: list[str], *, own_template: bool) -> Verdicts:
    """The tests that failed."""
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.close(read)
            os.setsid()
            failed = _run(place, dsn, tests, secrets.token_hex(4) if own_template else SHARED)
            with os.fdopen(write, "w") as told:
                json.dump(failed, told)
        finally:
            os._exit(0)  # not the parent's way out, which clears away the copy and the server
    os.close(write)
    deadline = time.monotonic() + PATIENCE
    while os.waitpid(pid, os.WNOHANG) == (0, 0):
        if time.monotonic() > deadline:
            os.killpg(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            os.close(read)
            return dict.fromkeys(tests, "it did not end")
        time.sleep(0.05)
    with os.fdopen(read) as told:
        found: Verdicts = json.loads(told.read() or "{}")
    return found


def _run(place: Path, dsn: str, tests: list[str], run: str) -> Verdicts:
    for name in [name for name in sys.modules if name.partition(".")[0] in ("forge", "tests")]:
        del sys.modules[name]
    os.chdir(place)
    sys.path[:0] = [str(place), str(place / "app")]
    sys.dont_write_bytecode = True
    os.environ |= {
        "FORGE_TEST_SERVER": dsn,
        "FORGE_TEST_RUN": run,
        "PYTHONPATH": str(place / "app"),
        "CI": "true",
    }
    log = os.open(LOG, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    os.dup2(log, 1)
    os.dup2(log, 2)
    listening = Listening()
    options = ["-o", "addopts=", "-p", "no:cacheprovider", "--timeout", "100", "-q"]
    options += ["-W", "ignore::pytest.PytestAssertRewriteWarning"]  # of what is loaded already
    try:
        code = pytest.main([*options, *(f"tests/{test}" for test in tests)], plugins=[listening])
    except BaseException:
        traceback.print_exc()
        code = pytest.ExitCode.INTERNAL_ERROR
    # A test that has failed may leave what is complained of at the end, such as an open socket.
    ran = listening.failed or code in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED)
    return listening.failed if ran else {BROKEN: f"the tests cannot be run: see {LOG}"}
