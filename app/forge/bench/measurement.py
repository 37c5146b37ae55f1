"""What one measurement found, and the clock and the budget that all of them share."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from msgspec import Struct

Advance = Callable[[int], object]


class Measurement(Struct, frozen=True, kw_only=True):
    """So many jobs in so many seconds; for one at a time also how long one takes.

    `per_second` is null where the pace was the bench's own. `backlog` is how many other jobs the
    queue held, where that is the question.
    """

    name: str
    jobs: int
    seconds: float
    per_second: float | None = None
    p50_ms: float | None = None
    p99_ms: float | None = None
    backlog: int | None = None


@dataclass
class Stopwatch:
    """Counts jobs until there are enough of them or the time is over."""

    name: str
    most_jobs: int
    most_seconds: float
    advance: Advance
    jobs: int = 0
    spans: list[float] = field(default_factory=list)
    started: float = field(default_factory=time.perf_counter)

    def start(self) -> None:
        """Begin now: what was done before was preparation."""
        self.started = time.perf_counter()

    @property
    def over(self) -> bool:
        return self.jobs >= self.most_jobs or self.elapsed >= self.most_seconds

    @property
    def elapsed(self) -> float:
        return time.perf_counter() - self.started

    @property
    def left(self) -> int:
        return self.most_jobs - self.jobs

    def count(self, jobs: int, span: float | None = None) -> None:
        """So many jobs more; `span` is how long one call took, where that says something."""
        self.jobs += jobs
        if span is not None:
            self.spans.append(span)
        self.advance(jobs)

    def part(self, name: str) -> Stopwatch:
        """One for some of the jobs, which count here as well."""
        return Stopwatch(name, self.most_jobs, self.most_seconds, self.count)

    def result(self, *, paced: bool = False, backlog: int | None = None) -> Measurement:
        """The measurement; `paced` where the spans count, and not how many came in what time."""
        seconds = self.elapsed
        return Measurement(
            name=self.name,
            jobs=self.jobs,
            seconds=round(seconds, 3),
            per_second=None if paced else round(self.jobs / seconds, 1),
            p50_ms=_percentile(self.spans, 0.50),
            p99_ms=_percentile(self.spans, 0.99),
            backlog=backlog,
        )


def _percentile(spans: Sequence[float], share: float) -> float | None:
    """In milliseconds, by nearest rank: a value that was measured, none in between."""
    if not spans:
        return None
    ordered = sorted(spans)
    return round(1000 * ordered[min(len(ordered) - 1, int(share * len(ordered)))], 3)
