"""What a run found, as it is stored: every sample, and what they come to."""

from __future__ import annotations

from statistics import median

from msgspec import Struct


class Goal(Struct, frozen=True, kw_only=True):
    """What Forge sets itself: at least so much, or with `at_most` at most.

    `title` is its line in the summary, which all the cases share that have it.
    """

    title: str
    limit: float
    at_most: bool = False

    def met(self, value: float) -> bool:
        """Whether a value is good enough."""
        return value <= self.limit if self.at_most else value >= self.limit


class Ratio(Struct, frozen=True, kw_only=True):
    """One case held against another, round by round: runs that were neighbours in time.

    `subjects` has whom it was held against in each round: of several the best one.
    """

    subjects: list[str]
    case: str
    rounds: list[float]
    goal: Goal | None = None

    @property
    def median(self) -> float:
        return median(self.rounds)


class Row(Struct, frozen=True, kw_only=True):
    """One figure of one case, and the goal for the figure itself where it has one."""

    subject: str
    case: str
    figure: str
    samples: list[float]
    ratios: list[Ratio] = []
    goal: Goal | None = None

    @property
    def median(self) -> float:
        return median(self.samples)


class Curve(Struct, frozen=True, kw_only=True):
    """A figure over time."""

    subject: str
    case: str
    name: str
    points: list[tuple[float, float]]


class Taken(Struct, frozen=True, kw_only=True):
    """How a measure was taken: a file may hold measures of several runs."""

    at: str
    commit: str
    command: str
    rounds: int
    seconds: float
    scale: float
    load: tuple[float, float]  # the machine's load average over a minute, before and after


class Found(Struct, frozen=True, kw_only=True):
    """One measure."""

    key: str
    title: str
    about: str
    plot: bool
    axes: tuple[str, str]
    rows: list[Row]
    curves: list[Curve]
    taken: Taken


class Report(Struct, frozen=True, kw_only=True):
    """All that there is; `left_out` says which subjects are not, and why."""

    machine: dict[str, str]
    versions: dict[str, str]
    settings: dict[str, str]
    configurations: dict[str, str]
    left_out: dict[str, str]
    measures: list[Found]
