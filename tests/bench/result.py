"""What a run found, as it is stored: every sample, and what they come to."""

from __future__ import annotations

from statistics import median

from msgspec import Struct


class Ratio(Struct, frozen=True, kw_only=True):
    """One case held against another, round by round: runs that were neighbours in time."""

    subject: str
    case: str
    rounds: list[float]
    goal: float | None = None
    at_most: bool = False

    @property
    def median(self) -> float:
        return median(self.rounds)

    @property
    def met(self) -> bool | None:
        """Whether the goal is met; None where there is none."""
        if self.goal is None:
            return None
        return self.median <= self.goal if self.at_most else self.median >= self.goal


class Row(Struct, frozen=True, kw_only=True):
    """One figure of one case."""

    subject: str
    case: str
    figure: str
    samples: list[float]
    ratio: Ratio | None = None

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
