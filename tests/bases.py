"""Directories of servers that tests start, named by the run that they belong to."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

# Directly in /tmp, as a socket's path is short and the server's account must get there.
DISK = Path("/tmp")


def make_base(prefix: str, directory: Path = DISK) -> Path:
    """One for a server of this process, which other accounts may enter."""
    base = Path(tempfile.mkdtemp(prefix=f"{prefix}{os.getpid()}-", dir=directory))
    base.chmod(0o755)
    return base


def left_behind(prefix: str, *directories: Path) -> Iterator[Path]:
    """Those of runs that were killed: their process is no more."""
    for directory in directories or (DISK,):
        for base in directory.glob(f"{prefix}*"):
            try:
                os.kill(int(base.name.removeprefix(prefix).split("-")[0]), 0)
            except ProcessLookupError:
                yield base
            except PermissionError:
                continue
