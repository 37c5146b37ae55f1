"""The release before this one, as it was recorded: its SQL, and its program beside ours."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
from dataclasses import dataclass
from pathlib import Path

from forge.sqlfiles import SqlFiles
from tests.upgrades.record import RECORD

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Previous:
    """A checkout of it."""

    checkout: Path

    @classmethod
    def unpack(cls, directory: Path) -> Previous:
        with tarfile.open(RECORD) as archive:
            archive.extractall(directory, filter="data")
        return cls(directory)

    @property
    def files(self) -> SqlFiles:
        return SqlFiles(self.checkout / "db", self.checkout / "procedures")

    def run(self, dsn: str, *command: str) -> str:
        """What its command line prints."""
        return subprocess.run(
            [sys.executable, "-m", "forge", *command],
            cwd=self.checkout,
            env=self.environment(dsn),
            check=True,
            capture_output=True,
            text=True,
        ).stdout

    def environment(self, dsn: str) -> dict[str, str]:
        """In which `forge` is the old one, and `tests` ours."""
        return {
            **os.environ,
            "DATABASE_URL": dsn,
            "PYTHONPATH": f"{self.checkout / 'app'}{os.pathsep}{ROOT}",
            "PYTHONUNBUFFERED": "1",
        }
