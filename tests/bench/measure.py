"""What a measure is made of: cases, each of which one subject runs once a round."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from tests.bench.rig import Rig

Points = Sequence[tuple[float, float]]


@dataclass(frozen=True)
class Sample:
    """What one run of a case found: its figures, and curves over time where they tell more."""

    figures: dict[str, float]
    curves: dict[str, Points] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Against:
    """The case that another is held against, and the goal for the ratio of the two.

    `goal` is the least that the ratio may be, or with `at_most` the most.
    """

    subject: str
    case: str
    goal: float | None = None
    at_most: bool = False


@dataclass(frozen=True, kw_only=True)
class Case:
    """One way of one subject to do the work. `take` runs it once, from nothing."""

    subject: str
    name: str
    take: Callable[[Rig], Sample]
    against: Against | None = None


@dataclass(frozen=True, kw_only=True)
class Measure:
    """`rounds` is set where a run takes minutes, and repeating it would take an hour.

    `plot` is how its cases are drawn: bars of their medians, or their curves.
    """

    key: str
    title: str
    about: str
    cases: Sequence[Case]
    rounds: int | None = None
    plot: bool = False
    axes: tuple[str, str] = ("seconds", "jobs/s")


def connections(number: int) -> str:
    """As the cases of several measures are called."""
    return f"{number} connection{'s' * (number > 1)}"
