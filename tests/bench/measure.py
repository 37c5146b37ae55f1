"""What a measure is made of: cases, each of which one subject runs once a round."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from tests.bench.result import Goal
from tests.bench.rig import Rig

Points = Sequence[tuple[float, float]]


@dataclass(frozen=True)
class Sample:
    """What one run of a case found: its figures, and curves over time where they tell more."""

    figures: dict[str, float]
    curves: dict[str, Points] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Against:
    """The case that another is held against: of several subjects the best in a round."""

    subjects: Sequence[str]
    case: str
    goal: Goal | None = None


@dataclass(frozen=True, kw_only=True)
class Case:
    """One way of one subject to do the work. `take` runs it once, from nothing.

    `goals` are those for a figure itself, by its name.
    """

    subject: str
    name: str
    take: Callable[[Rig], Sample]
    against: Sequence[Against] = ()
    goals: Mapping[str, Goal] = field(default_factory=dict)


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
