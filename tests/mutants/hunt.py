"""A copy of the checkout in which one mutant after the other is let loose, and tests hunt it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from tests.mutants import witness
from tests.mutants.mutant import ROOT, Mutant, rest_of_tests

COPIED = ("app", "dashboard", "db", "examples", "procedures", "tests")
KILLED, SURVIVED, TIME_UP, BROKEN = "killed", "survived", "time up", "does not load"


@dataclass(frozen=True, kw_only=True)
class Fate:
    mutant: str
    outcome: str
    test: str = ""
    message: str = ""
    seconds: float = 0


class Preserve:
    """Where the mutants live. Tests run in it by the functions that are there, not by ours."""

    def __init__(self, root: Path, server: str) -> None:
        self.root = root
        self._server = server

    @classmethod
    def copied_to(cls, root: Path, server: str) -> Preserve:
        for name in COPIED:
            shutil.copytree(ROOT / name, root / name, ignore=shutil.ignore_patterns("__pycache__"))
        for path in ROOT.iterdir():
            if path.is_file():
                shutil.copy(path, root)
        return cls(root, server)

    def hunt(self, mutant: Mutant, *, limit: float, near_only: bool) -> Fate:
        """Run tests, the near ones first, until one fails or the time is up."""
        path = self.root / "procedures" / f"{mutant.file}.sql"
        original = path.read_text(encoding="utf-8")
        path.write_text(mutant.applied_to(self.root / "procedures"), encoding="utf-8")
        try:
            return self._hunt(mutant, limit, near_only)
        finally:
            path.write_text(original, encoding="utf-8")

    def _hunt(self, mutant: Mutant, limit: float, near_only: bool) -> Fate:
        began = time.monotonic()
        near = mutant.near_tests()
        rest = [] if near_only else rest_of_tests(self.root, near)
        for files in (near, *rest):
            doubtful: list[str] = []
            while fate := self._run(mutant.name, [*files, *doubtful], began, limit):
                # On a loaded machine a test may fail for nothing: it has to fail again by itself.
                if fate.outcome != KILLED or self._run(mutant.name, [fate.test], began, limit):
                    return fate
                doubtful.append(f"--deselect={fate.test}")
        return Fate(mutant=mutant.name, outcome=SURVIVED, seconds=time.monotonic() - began)

    def _run(self, name: str, files: list[str], began: float, limit: float) -> Fate | None:
        seen_file = self.root / "witness.json"
        seen_file.unlink(missing_ok=True)
        command = [
            *(sys.executable, "-m", "pytest", *files, "-x", "-q"),
            *("-o", "addopts=", "-m", "not downloads and not long", "-p", "no:cacheprovider"),
            *("-p", "pytest_timeout", "-p", "anyio.pytest_plugin", "--timeout", "90"),
            *("-p", witness.__name__),
        ]
        environment = {
            **os.environ,
            # Most plugins take longer to load than the tests to run.
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
            # The witness comes from here where the preserve has none.
            "PYTHONPATH": os.pathsep.join(map(str, (self.root / "app", self.root, ROOT))),
            "FORGE_TEST_DSN": self._server,
            witness.FILE: str(seen_file),
        }
        process = subprocess.Popen(
            command,
            cwd=self.root,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        try:
            output, _ = process.communicate(timeout=max(1, limit - (time.monotonic() - began)))
        except subprocess.TimeoutExpired:
            return Fate(mutant=name, outcome=TIME_UP, seconds=time.monotonic() - began)
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.communicate()
        if process.returncode == 0:
            return None
        if not seen_file.exists():
            raise RuntimeError(f"pytest ran no test for {name}:\n{output[-3000:]}")
        seen = json.loads(seen_file.read_text(encoding="utf-8"))
        return Fate(
            mutant=name,
            outcome=KILLED if seen["loaded"] or seen["hung"] else BROKEN,
            test=seen["test"],
            message=seen["message"],
            seconds=time.monotonic() - began,
        )
