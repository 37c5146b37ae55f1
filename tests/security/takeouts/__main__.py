"""Takes each defence out of a copy of the sources, and runs the tests that are to fail then.

python -m tests.security.takeouts            all of them, about ten minutes
python -m tests.security.takeouts tokens     those whose test, file or attack has the word

Prints a line for each, and the tables of NOTES.md at the end; it ends with 1 where a test passed.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tests import server
from tests.security.takeouts.table import TAKEOUTS, Takeout

ROOT = Path(__file__).parents[3]
PATIENCE = 180
SAID = re.compile(r"^E +(.+)$", re.MULTILINE)


def copy_of_the_sources(place: Path) -> None:
    files = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True, text=True
    ).stdout.split("\0")
    for name in filter(None, files):
        if (ROOT / name).is_file():
            (place / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, place / name)


def taken_out(place: Path, takeout: Takeout) -> tuple[bool, str]:
    """Whether the test failed, and what it said."""
    file = place / takeout.file
    source = file.read_text()
    assert takeout.old in source, takeout
    file.write_text(source.replace(takeout.old, takeout.new, 1))
    try:
        done = subprocess.run(
            [
                *(sys.executable, "-m", "pytest", "-n0", "-q", "-x", "--timeout", "60"),
                *("-p", "no:cacheprovider", f"tests/{takeout.test}"),
            ],
            cwd=place,
            env={**os.environ, "PYTHONPATH": str(place / "app"), "PYTHONDONTWRITEBYTECODE": "1"},
            capture_output=True,
            text=True,
            timeout=PATIENCE,
        )
        said = SAID.findall(done.stdout)
        failed = done.returncode == 1
        return failed, (said[0] if said else f"exit {done.returncode}: {done.stdout[-300:]}")
    except subprocess.TimeoutExpired:
        return True, "it did not end"
    finally:
        file.write_text(source)


def main(*words: str) -> int:
    dsn, stop = server.start()
    os.environ["FORGE_TEST_DSN"] = dsn
    survived = 0
    tables: dict[str, list[str]] = {}
    try:
        with tempfile.TemporaryDirectory() as name:
            place = Path(name)
            copy_of_the_sources(place)
            for part, takeouts in TAKEOUTS.items():
                for takeout in takeouts:
                    told = f"{takeout.attack} {takeout.file} {takeout.test}"
                    if words and not any(word in told for word in words):
                        continue
                    failed, said = taken_out(place, takeout)
                    survived += not failed
                    verdict = "failed" if failed else "PASSED"
                    print(f"{verdict}: {takeout.test} ({takeout.file}): {said}"[:400], flush=True)
                    tables.setdefault(part, []).append(row(takeout, verdict))
    finally:
        stop()
    for part, rows in tables.items():
        print(f"\n### {part}\n| attack | defence | taken out of | test |\n|---|---|---|---|")
        print("\n".join(rows))
    return 1 if survived else 0


def row(takeout: Takeout, verdict: str) -> str:
    test = takeout.test.replace("::", " ")
    return (
        f"| {takeout.attack} | {takeout.defence} | `{takeout.file}` | `{test}` {verdict} |"
    )


if __name__ == "__main__":
    raise SystemExit(main(*sys.argv[1:]))
