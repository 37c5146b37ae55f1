"""A part of `make check`: asks PyPI's advisories about every package in requirements.lock.

A known hole fails the check. A machine that cannot ask says so and goes on, as it must be able to
work without a network.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

LOCK = Path(__file__).parents[1] / "requirements.lock"
PATIENCE = 120
COMMAND = (
    *("pip_audit", "--requirement", str(LOCK), "--no-deps", "--disable-pip"),
    *("--format", "json", "--progress-spinner", "off", "--timeout", "5"),
)


def verdict(report: str) -> tuple[bool, list[str]]:
    """Whether the packages will do, and what to say, from the JSON that pip-audit writes."""
    try:
        packages = json.loads(report)["dependencies"]
    except (ValueError, KeyError, TypeError):
        packages = []
    asked = [package for package in packages if "skip_reason" not in package]
    if not asked:
        return True, ["pip-audit cannot reach its data: the dependencies were not audited"]
    holes = [
        f"{package['name']} {package['version']}: {hole['id']}, mended in "
        f"{', '.join(hole['fix_versions']) or 'no version yet'}"
        for package in asked
        for hole in package["vulns"]
    ]
    silent = len(packages) - len(asked)
    said = f"{len(asked)} dependencies audited, {len(holes)} known holes"
    return not holes, [*holes, said + (f"; no word on {silent}" if silent else "")]


def main() -> int:
    try:
        done = subprocess.run(
            [sys.executable, "-m", *COMMAND], capture_output=True, text=True, timeout=PATIENCE
        )
        report = done.stdout
    except subprocess.TimeoutExpired:
        report = ""
    will_do, lines = verdict(report)
    print("\n".join(lines))
    return 0 if will_do else 1


if __name__ == "__main__":
    raise SystemExit(main())
