"""results.md: what became of each mutant when it was last hunted."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from tests.mutants.hunt import KILLED, SURVIVED, Fate
from tests.mutants.table import MUTANTS

RESULTS = Path(__file__).with_name("results.md")
_ROW = re.compile(r"\| `([\w-]+)` \| [^|]* \| ([\w ]+) \| (?:`(.*)`)? \|")
HEAD = """# What became of each mutant
Written by `make mutants`; a mutant that is hunted by itself changes its own row only. {sum}

| mutant | the defence that it takes out | fate | by |
|---|---|---|---|
"""


def merged(fates: Iterable[Fate], path: Path = RESULTS) -> dict[str, Fate]:
    """The fates on record, with these in place of older ones."""
    known = {}
    if path.exists():
        for name, outcome, test in _ROW.findall(path.read_text(encoding="utf-8")):
            outcome = SURVIVED if outcome == "equivalent" else outcome
            known[name] = Fate(mutant=name, outcome=outcome, test=test)
    return known | {fate.mutant: fate for fate in fates}


def write(fates: dict[str, Fate], path: Path = RESULTS) -> None:
    rows = []
    killed = equivalent = 0
    for mutant in MUTANTS:
        fate = fates.get(mutant.name)
        if fate is None:
            continue
        outcome, by = fate.outcome, f"`{fate.test}`" if fate.test else ""
        killed += outcome == KILLED
        if mutant.equivalent and outcome == SURVIVED:
            outcome, equivalent = "equivalent", equivalent + 1
        rows.append(f"| `{mutant.name}` | {mutant.defence} | {outcome} | {by} |\n")
    total = f"{killed} of {len(rows)} were killed"
    if equivalent:
        total += f", and {equivalent} cannot be: NOTES.md says why"
    path.write_text(HEAD.format(sum=f"{total}.") + "".join(rows), encoding="utf-8")
