"""`make soak`: 45 minutes at 70 % of what the machine can do, with all features in use."""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
import time
from pathlib import Path
from types import FrameType

from forge.migrate import migrate
from forge.pgbinaries import find_binaries
from tests.bench import server
from tests.server import start_cluster, system_binaries
from tests.soak import report
from tests.soak.run import Options, Soak, new_seed, render
from tests.soak.verdicts import Verdict

RESULTS = Path(__file__).parent / "results"
# Checkpoints come as in production: several in a run, and so in each of its thirds.
SETTINGS = {**server.SETTINGS, "checkpoint_timeout": "5min", "max_wal_size": "2GB"}


def main() -> int:
    parser = argparse.ArgumentParser(prog="make soak ARGS=…", description=__doc__)
    parser.add_argument("--minutes", type=float, default=Options.minutes)
    parser.add_argument("--seed", type=int, default=None, help="of an earlier run, to repeat it")
    parser.add_argument("--share", type=float, default=Options.share, help="of the capacity")
    parser.add_argument("--rate", type=float, default=None, help="jobs a second, unmeasured")
    parser.add_argument("--out", type=Path, default=None, help="where the report goes")
    parser.add_argument("--render", type=Path, help="only report on a run, by its directory")
    chosen = parser.parse_args()
    signal.signal(signal.SIGTERM, _interrupt)
    # Only a full run replaces the record of one.
    full = chosen.render is not None or chosen.minutes >= Options.minutes
    out = chosen.out or (RESULTS if full else Path(tempfile.mkdtemp(prefix="forge-soak-report-")))
    if chosen.render is not None:
        return _tell(out, *render(chosen.render, out))
    options = Options(
        minutes=chosen.minutes,
        seed=new_seed() if chosen.seed is None else chosen.seed,
        share=chosen.share,
        rate=chosen.rate,
        every=10.0 if chosen.minutes >= 10 else 2.0,
    )
    directory = Path(tempfile.mkdtemp(prefix="forge-soak-run-"))
    began = time.monotonic()

    def say(line: str) -> None:
        print(f"{time.monotonic() - began:7.1f} s  {line}", file=sys.stderr, flush=True)

    say(options.again)
    say(f"logs and samples as they come: {directory}; after a cut: --render {directory}")
    binaries = system_binaries() or find_binaries()
    if binaries is None:
        print("no PostgreSQL programs to start a server from", file=sys.stderr)
        return 2
    dsn, stop = start_cluster(binaries, SETTINGS, "forge-soaked-")
    try:
        migrate(dsn)
        soak = Soak(dsn, options, directory, say)
        verdicts = soak.run(out)
    finally:
        stop()
    return _tell(out, soak.facts, verdicts)


def _tell(out: Path, facts: dict[str, object], verdicts: list[Verdict]) -> int:
    print(report.summary(facts, verdicts))
    print(f"report: {out}")
    return any(verdict.holds is False for verdict in verdicts)


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    raise SystemExit(main())
