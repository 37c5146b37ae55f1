"""`make chaos`: N minutes of faults, and what they found."""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
from pathlib import Path

from tests.chaos.arena import SEGMENT
from tests.chaos.run import chaos
from tests.worker.own_server import OwnServer


def main() -> int:
    parser = argparse.ArgumentParser(prog="make chaos ARGS=…", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--seed", type=int, default=None, help="of an earlier run, to repeat it")
    options = parser.parse_args()
    seed = options.seed if options.seed is not None else random.SystemRandom().randrange(10**6)
    own = OwnServer.make(*SEGMENT)
    if own is None:
        print("no PostgreSQL programs to start a server from", file=sys.stderr)
        return 2
    directory = Path(tempfile.mkdtemp(prefix="forge-chaos-"))
    try:
        outcome = chaos(own, directory, seed=seed, seconds=options.minutes * 60)
    finally:
        own.remove()
    print(outcome)
    print(f"journals and logs: {directory}")
    return bool(outcome.findings)


if __name__ == "__main__":
    raise SystemExit(main())
