"""How numbers, goals and lines of tables are written."""

from __future__ import annotations

from collections.abc import Sequence

from tests.bench.result import Goal


def number(value: float) -> str:
    """Three digits that mean something, or all of them before the point."""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}" if value else "0"


def bound(goal: Goal) -> str:
    """The goal in short."""
    return f"{'≤' if goal.at_most else '≥'} {number(goal.limit)}"


def judged(goal: Goal, value: float) -> str:
    """The goal, and whether it is met."""
    return f"{bound(goal)}: {'met' if goal.met(value) else 'missed'}"


def line(cells: Sequence[str]) -> str:
    """One line of a table."""
    return f"| {' | '.join(cells)} |"
