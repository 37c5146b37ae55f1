"""Records a release, for the tests that upgrade from it: `python -m tests.upgrades.record`.

Run it in the checkout that is released, or name another. Kept is what runs: its SQL, of which its
`forge sql` and `forge migrate` are made, and the program whose workers run while a later release
migrates.
"""

from __future__ import annotations

import io
import sys
import tarfile
from pathlib import Path

ROOT = Path(__file__).parents[2]
RECORD = Path(__file__).with_name("previous.tar.xz")
KEPT = ("pyproject.toml", "app/**/*.py", "db/*.sql", "procedures/*.sql")


def record(checkout: Path) -> None:
    """Writes `previous.tar.xz`, the same bytes for the same checkout."""
    with tarfile.open(RECORD, "w:xz", preset=9) as archive:
        for pattern in KEPT:
            for path in sorted(checkout.glob(pattern)):
                content = path.read_bytes()
                entry = tarfile.TarInfo(str(path.relative_to(checkout)))
                entry.size = len(content)
                archive.addfile(entry, io.BytesIO(content))


if __name__ == "__main__":
    record(Path(sys.argv[1]) if sys.argv[1:] else ROOT)
