"""What a run is asked for."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

RESULTS = Path(__file__).parent / "results"


@dataclass(frozen=True, kw_only=True)
class Options:
    """`scale` shortens everything: the times as well as the numbers of jobs."""

    rounds: int = 3
    seconds: float = 5.0
    scale: float = 1.0
    subjects: tuple[str, ...] = ()
    out: Path = RESULTS
    dsn: str | None = None

    @property
    def spell(self) -> float:
        """How long one figure is measured, in seconds."""
        return self.seconds * self.scale

    def stretch(self, seconds: float) -> float:
        """A time that a measure sets itself, scaled."""
        return seconds * self.scale

    def jobs(self, number: float, least: int = 100) -> int:
        """A number of jobs that a measure sets itself, scaled; fewer than `least` tell nothing."""
        return max(least, round(number * self.scale))

    def backlog(self, per_second: float, least: int = 100) -> int:
        """As many jobs as last for one spell at that speed."""
        return max(least, round(per_second * self.spell))
