"""The table at the top of the page: every goal, what was reached, and whether that is enough."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tests.bench.result import Found, Goal
from tests.bench.wording import bound, line, number


@dataclass(frozen=True)
class Reached:
    """One value that a goal is held against, and the words that tell it from its others."""

    goal: Goal
    words: tuple[str, str, str]
    value: float
    scale: float


def summary(measures: Sequence[Found], goals: Sequence[Goal]) -> str:
    """A line a goal, also for those that nothing was measured for."""
    reached = [each for found in measures for each in _reached(found)]
    lines = [line(["goal", "", "reached", "verdict"]), "|---|---|---|---|"]
    for goal in goals:
        mine = [each for each in reached if each.goal.title == goal.title]
        lines.append(line([goal.title, bound(goal), _values(mine), _verdict(mine)]))
    return "\n".join([*lines, ""])


def _reached(found: Found) -> Iterator[Reached]:
    for row in found.rows:
        words = (row.subject, row.case, row.figure)
        if row.goal is not None:
            yield Reached(row.goal, words, row.median, found.taken.scale)
        for ratio in row.ratios:
            if ratio.goal is not None:
                yield Reached(ratio.goal, words, ratio.median, found.taken.scale)


def _values(mine: Sequence[Reached]) -> str:
    """Each with the words in which they differ."""
    differ = [len(set(words)) > 1 for words in zip(*(each.words for each in mine), strict=True)]
    values = []
    for each in mine:
        words = [word for word, tells in zip(each.words, differ, strict=True) if tells]
        values.append(number(each.value) + (f" ({', '.join(words)})" if words else ""))
    # All of one measure, so all of one scale.
    scale = [f"at {each.scale:g} of the size" for each in mine[:1] if each.scale != 1]
    return ", ".join([" · ".join(values), *scale])


def _verdict(mine: Sequence[Reached]) -> str:
    met = sum(each.goal.met(each.value) for each in mine)
    if not mine:
        return "not measured"
    if met == len(mine):
        return "met"
    return f"**met by {met} of {len(mine)}**" if met else "**missed**"
