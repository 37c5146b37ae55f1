"""`make mutants`: take defences out of the functions, one at a time, and see which test notices."""

from __future__ import annotations

import argparse
import fnmatch
import signal
import sys
import tempfile
from pathlib import Path

from tests import server as servers
from tests.mutants.hunt import KILLED, SURVIVED, Fate, Preserve
from tests.mutants.mutant import Mutant
from tests.mutants.results import merged, write
from tests.mutants.table import MUTANTS


def main() -> int:
    parser = argparse.ArgumentParser(prog="make mutants ARGS=…", description=__doc__)
    parser.add_argument("names", nargs="*", help="only these; patterns such as claim-* will do")
    parser.add_argument("--near", action="store_true", help="run the near tests only")
    parser.add_argument("--limit", type=float, default=1800, help="seconds for each mutant")
    options = parser.parse_args()
    chosen = [
        m
        for m in MUTANTS
        if not options.names or any(fnmatch.fnmatch(m.name, p) for p in options.names)
    ]
    try:
        server, stop = servers.start()
    except servers.NoServer as error:
        print(error, file=sys.stderr)
        return 2
    fates: list[Fate] = []
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))
    try:
        with tempfile.TemporaryDirectory(prefix="forge-mutants-") as directory:
            preserve = Preserve.copied_to(Path(directory) / "checkout", server)
            for mutant in chosen:
                fate = preserve.hunt(mutant, limit=options.limit, near_only=options.near)
                tell(mutant, fate)
                fates.append(fate)
                write(merged(fates))
    finally:
        stop()
    killed = sum(fate.outcome == KILLED for fate in fates)
    print(f"{killed} of {len(fates)} killed")
    alive = {f.mutant for f in fates if f.outcome != KILLED}
    return int(any(m.name in alive and not m.equivalent for m in chosen))


def tell(mutant: Mutant, fate: Fate) -> None:
    outcome = "equivalent" if mutant.equivalent and fate.outcome == SURVIVED else fate.outcome
    print(
        f"{outcome:13} {mutant.name} ({fate.seconds:.0f} s) {fate.test} {fate.message[:120]}",
        flush=True,
    )


if __name__ == "__main__":
    raise SystemExit(main())
