"""The code blocks of the README, each with the word that says how it is run."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
BLOCK = re.compile(r"(?:<!-- runs: (\w+) -->\n)?```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)


GUIDES = sorted((ROOT / "procedures" / "guides").glob("*.md"))


def sql_blocks(page: Path) -> list[str]:
    """The SQL of a page; a block that needs a session of its own is marked `<!-- runs: … -->`."""
    found = BLOCK.findall(page.read_text(encoding="utf-8"))
    return [text for how, language, text in found if language == "sql" and not how]


def blocks() -> list[tuple[str, str, str]]:
    """(how, language, text) of each block that names a language."""
    return BLOCK.findall(README.read_text(encoding="utf-8"))


def block(how: str) -> str:
    (text,) = [text for runs, _, text in blocks() if runs == how]
    return text
