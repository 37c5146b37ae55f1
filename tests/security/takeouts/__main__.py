"""Takes each defence out of a copy of the sources, and runs the tests that are to fail then.

python -m tests.security.takeouts            all of them, a few minutes on an idle machine
python -m tests.security.takeouts tokens     those whose attack, file or test has the word

Prints a line for each, and the tables of NOTES.md at the end; it ends with 1 where a test passed.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from itertools import groupby
from pathlib import Path

from tests import server
from tests.security.takeouts.playing import BROKEN, Verdicts, play
from tests.security.takeouts.table import TAKEOUTS, Takeout

ROOT = Path(__file__).parents[3]


def copy_of_the_sources(place: Path) -> None:
    files = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True, text=True
    ).stdout.split("\0")
    for name in filter(None, files):
        if (ROOT / name).is_file():
            (place / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, place / name)


def taken_out(place: Path, dsn: str, takeout: Takeout, tests: list[str]) -> Verdicts:
    """What became of the tests, without the defence."""
    file = place / takeout.file
    source = file.read_text()
    assert takeout.old in source, takeout
    file.write_text(source.replace(takeout.old, takeout.new, 1))
    try:
        return play(place, dsn, tests, own_template=file.suffix == ".sql")
    finally:
        file.write_text(source)


def main(*words: str) -> int:
    dsn, stop = server.start()
    survived = 0
    tables: dict[str, list[str]] = {}
    try:
        with tempfile.TemporaryDirectory() as name:
            place = Path(name)
            copy_of_the_sources(place)
            for part, takeouts in TAKEOUTS.items():
                wanted = [it for it in takeouts if not words or any(w in repr(it) for w in words)]
                for (_, _), group in groupby(wanted, lambda it: (it.attack, it.defence)):
                    same = list(group)
                    verdicts = taken_out(place, dsn, same[0], [it.test for it in same])
                    assert BROKEN not in verdicts, (same[0], verdicts[BROKEN])
                    for takeout in same:
                        said = verdicts.get(takeout.test)
                        survived += said is None
                        verdict = "fails" if said is not None else "PASSES"
                        print(
                            f"{verdict}: {takeout.test} ({takeout.file}): {said}"[:300], flush=True
                        )
                        tables.setdefault(part, []).append(row(takeout, verdict))
    finally:
        stop()
    for part, rows in tables.items():
        print(f"\n### {part}\n| attack | defence, taken out of | test that fails |\n|---|---|---|")
        print("\n".join(rows))
    return 1 if survived else 0


def row(takeout: Takeout, verdict: str) -> str:
    file, _, test = takeout.test.partition("::")
    shown = f"`{test}` ({file})" + ("" if verdict == "fails" else f" **{verdict}**")
    return f"| {takeout.attack} | {takeout.defence}: `{takeout.file}` | {shown} |"


if __name__ == "__main__":
    raise SystemExit(main(*sys.argv[1:]))
