"""Whom a PostgreSQL server runs as: ourselves, or, as it refuses to run as root, somebody else."""

from __future__ import annotations

import os
import pwd
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

# Accounts that a Unix has anyway; making one of our own would change the machine.
ACCOUNTS = ("postgres", "nobody")


@dataclass(frozen=True)
class Owner:
    """An account to start programs under; uid None means: whoever we are."""

    uid: int | None = None
    gid: int | None = None
    name: str = ""

    @classmethod
    def of(cls, data: Path) -> Owner:
        """Whom the server of this data directory runs as, be the directory there yet or not."""
        if os.geteuid() != 0:
            return cls()
        if data.exists() and (uid := data.stat().st_uid) != 0:
            entry = pwd.getpwuid(uid)
        else:
            known = {entry.pw_name: entry for entry in pwd.getpwall()}
            entry = next(known[name] for name in ACCOUNTS if name in known)
        return cls(entry.pw_uid, entry.pw_gid, entry.pw_name)

    def run(
        self, command: Sequence[str | Path], timeout: float = 120
    ) -> subprocess.CompletedProcess[str]:
        """Run a program as this account, in English, from a directory that all can enter."""
        return subprocess.run(  # noqa: S603  # programs of PostgreSQL, by full path
            [str(word) for word in command],
            user=self.uid,
            group=self.gid,
            extra_groups=[] if self.uid is not None else None,
            cwd="/",
            env={**os.environ, "LC_ALL": "C"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )

    def reaches(self, directory: Path) -> bool:
        """Whether this account gets as far as into the directory; root's home often is closed."""
        if self.uid is None:
            return True
        return self.run(["/bin/sh", "-c", 'cd "$1"', "sh", directory]).returncode == 0

    def make_directory(self, directory: Path) -> Path:
        """A directory of this account's, closed to others."""
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        if self.uid is not None and self.gid is not None:
            os.chown(directory, self.uid, self.gid)
        directory.chmod(0o700)
        return directory
