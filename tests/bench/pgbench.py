"""Runs pgbench and reads what it says."""

from __future__ import annotations

import re
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

SQL = Path(__file__).parent / "sql"
CORES = 2

_TPS = re.compile(r"^tps = ([\d.]+)", re.MULTILINE)
_STATEMENT = re.compile(
    r"^\s+([\d.]+)\s+(?:\d+\s+)?(?:select|insert|delete|update)\b", re.MULTILINE
)
_PROGRESS = re.compile(r"^progress: ([\d.]+) s, ([\d.]+) tps", re.MULTILINE)
# Below a second there is nothing to be measured, only to be tried out.
TRIES = 20


class PgbenchFailed(Exception):
    """A client stopped, or pgbench did not start."""


@dataclass(frozen=True)
class Ran:
    """Scripts a second, also second by second, and the mean time of each statement in ms."""

    per_second: float
    statements: list[float]
    progress: list[tuple[float, float]]


@dataclass(frozen=True, kw_only=True)
class Load:
    """One script, run by so many connections for a time or a number of times each."""

    script: str
    clients: int
    seconds: float | None = None
    each: int | None = None
    rate: float | None = None
    variables: Mapping[str, object] = field(default_factory=dict)

    def arguments(self) -> list[str]:
        """Prepared statements, as any client that cares for speed would use."""
        words = ["-n", "-r", "-M", "prepared", "-P", "1", "-f", str(SQL / f"{self.script}.sql")]
        words += ["-c", str(self.clients), "-j", str(min(CORES, self.clients))]
        for name, value in self.variables.items():
            words += ["-D", f"{name}={value}"]
        if self.rate is not None:
            words += ["-R", str(self.rate)]
        if self.seconds is not None and self.seconds >= 1:
            return [*words, "-T", str(round(self.seconds))]
        return [*words, "-t", str(TRIES if self.each is None else self.each)]


def run(program: Path, dsn: str, load: Load) -> Ran:
    """Run it to its end."""
    done = subprocess.run(
        [str(program), *load.arguments(), dsn], capture_output=True, text=True, timeout=3600
    )
    # It exits with 0, too, when some of its clients gave up.
    if done.returncode or "aborted" in done.stderr:
        raise PgbenchFailed(f"{load.script}: {done.stderr.strip()[-2000:]}")
    found = _TPS.search(done.stdout)
    if found is None:
        raise PgbenchFailed(f"{load.script}: {done.stdout[-2000:]}")
    return Ran(
        per_second=float(found[1]),
        statements=[float(ms) for ms in _STATEMENT.findall(done.stdout)],
        progress=[(float(at), float(tps)) for at, tps in _PROGRESS.findall(done.stderr)],
    )


@contextmanager
def running(program: Path, dsn: str, load: Load) -> Iterator[subprocess.Popen[bytes]]:
    """Run it beside something else, and stop it at the end."""
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen([str(program), *load.arguments(), dsn], stdout=said, stderr=said)
        try:
            yield process
        finally:
            process.terminate()
            process.wait(30)
