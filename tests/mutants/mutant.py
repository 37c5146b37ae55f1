"""One change to procedures/ that takes out a defence, and the tests that are meant to see it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]

# What may kill a mutant that its near tests let live. Not tests/catalog, most of which would see
# that a text has changed and not that it has become wrong.
REST = (
    "tests/procedures",
    "tests/concurrency",
    "tests/concurrency/interleavings",
    "tests/model",
    "tests/security",
)


class NotThere(Exception):
    """The text to be replaced is not in its file as often as the table says."""


@dataclass(frozen=True, kw_only=True)
class Mutant:
    name: str
    file: str  # of procedures/, without its ending
    old: str
    new: str
    defence: str  # what is taken out, in words
    near: tuple[str, ...]  # files of tests/, the nearest first
    times: int = 1  # how often `old` stands there; all are replaced
    equivalent: str = ""  # why no test can tell it from the original

    def applied_to(self, procedures: Path) -> str:
        """The file of these procedures, mutated."""
        text = (procedures / f"{self.file}.sql").read_text(encoding="utf-8")
        if (found := text.count(self.old)) != self.times:
            raise NotThere(f"{self.name}: {self.file}.sql has it {found} times, not {self.times}")
        return text.replace(self.old, self.new)

    def near_tests(self) -> list[str]:
        return [f"tests/{name}.py" for name in self.near]


def rest_of_tests(root: Path, without: list[str]) -> list[list[str]]:
    """The other test files, folder by folder."""
    folders = []
    for folder in REST:
        files = [str(path.relative_to(root)) for path in sorted((root / folder).glob("test_*.py"))]
        folders.append([file for file in files if file not in without])
    return folders
