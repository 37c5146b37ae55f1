"""Whether it stayed flat: the last third of the steady time against the first, medians of both.

A tolerance is what a noisy machine may do, not what Forge may: a ratio for what is large, and some
slack in the unit itself for what is small.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

Sample = dict[str, Any]
LONG_ENOUGH = (
    600.0  # seconds; thirds of a shorter run say nothing, as vacuum and retention take minutes
)
WHOLE = 0.95  # of the samples
MEGABYTE = 1024 * 1024

# What a run is to have had in it, as its processes counted it.
REQUIRED = (
    *("made", "unique key taken", "retried", "snoozed", "talked", "scheduled", "in a thread"),
    *("parents read", "batches ended", "conditions held", "stopped", "cancelled"),
    *("cancelled by filter", "edited", "revived", "discarded", "explained"),
    *("refused by admission", "refused by schema", "paused", "resumed", "scraped", "pages read"),
    *("events watched", "by HTTP: complete", "by HTTP: fail", "by HTTP: snooze"),
    *("by HTTP: release", "partitions dropped"),
    *(f"queue {name}" for name in ("plain", "posted", "unique", "keyed", "limited", "flows")),
    *(f"queue {name}" for name in ("failing", "later", "rated", "paused", "full", "strict")),
    *("queue changes", "queue long", "queue sql"),
)


@dataclass(frozen=True)
class Verdict:
    """None: it cannot be told, for want of time or of samples."""

    name: str
    holds: bool | None
    says: str


def thirds(samples: Sequence[Sample], of: Callable[[Sample], Any]) -> tuple[float, float] | None:
    """The medians of the first and the last third of the steady time."""
    steady = [sample for sample in samples if sample["phase"] == "steady"]
    if not steady:
        return None
    begin, end = steady[0]["at"], steady[-1]["at"]
    span = (end - begin) / 3
    first = [of(sample) for sample in steady if sample["at"] <= begin + span]
    last = [of(sample) for sample in steady if sample["at"] >= end - span]
    first = [value for value in first if value is not None]
    last = [value for value in last if value is not None]
    return (median(first), median(last)) if first and last else None


def span(samples: Sequence[Sample]) -> float:
    """Seconds of the steady time."""
    times = [sample["at"] for sample in samples if sample["phase"] == "steady"]
    return times[-1] - times[0] if times else 0.0


@dataclass(frozen=True)
class Flat:
    """A series that is not to rise above `ratio` times its beginning and `slack` more."""

    name: str
    of: Callable[[Sample], Any]
    ratio: float
    slack: float
    unit: str
    # instead: it is not to fall below the ratio
    floor: bool = False

    def judge(self, samples: Sequence[Sample]) -> Verdict:
        found = thirds(samples, self.of)
        if found is None:
            return Verdict(self.name, None, "no samples")
        first, last = found
        limit = first * self.ratio + (-self.slack if self.floor else self.slack)
        holds = last >= limit if self.floor else last <= limit
        says = (
            f"{first:,.1f} → {last:,.1f} {self.unit}, "
            f"at {'least' if self.floor else 'most'} {limit:,.1f}"
        )
        return Verdict(self.name, holds if span(samples) >= LONG_ENOUGH else None, says)


def nested(outer: str, inner: str, scale: float = 1.0) -> Callable[[Sample], Any]:
    def read(sample: Sample) -> Any:
        values = sample.get(outer)
        # What is not named there has none; a look that failed says nothing.
        return None if values is None else values.get(inner, 0) / scale

    return read


def plain(name: str) -> Callable[[Sample], Any]:
    return lambda sample: sample.get(name)


def live(sample: Sample) -> int | None:
    names = ("ready", "processing", "scheduled", "waiting")
    return sum(sample[name] for name in names) if "ready" in sample else None


def total_bytes(sample: Sample) -> float | None:
    return sum(sample["bytes"].values()) / MEGABYTE if "bytes" in sample else None


def dead_rows(sample: Sample) -> int | None:
    return sum(sample["dead_rows"].values()) if "dead_rows" in sample else None


def series(samples: Sequence[Sample]) -> list[Flat]:
    """All that is to stay flat."""
    relations = sorted({name for sample in samples for name in sample.get("bytes", ())})
    processes = sorted({name for sample in samples for name in sample.get("memory_mb", ())})
    return [
        Flat("throughput", plain("per_second"), 0.95, 0, "jobs/s", floor=True),
        Flat("throughput does not rise", plain("per_second"), 1.05, 0, "jobs/s"),
        Flat("pick-up p50", plain("p50"), 1.5, 5, "ms"),
        Flat("pick-up p99", plain("p99"), 2.0, 25, "ms"),
        Flat("live jobs", live, 1.3, 300, "jobs"),
        Flat("dead rows", dead_rows, 1.5, 5000, "rows"),
        Flat("size of everything", total_bytes, 1.1, 4, "MB"),
        *(
            # History and logs come and go by slices.
            Flat(
                f"size of {name}",
                nested("bytes", name, MEGABYTE),
                1.2 if name.startswith(("history", "job_log")) else 1.3,
                1,
                "MB",
            )
            for name in relations
        ),
        Flat("memory of the server's processes", plain("server_mb"), 1.15, 15, "MB"),
        Flat("memory of the largest backend", plain("largest_backend_mb"), 1.2, 5, "MB"),
        *(Flat(f"memory of {name}", nested("memory_mb", name), 1.1, 8, "MB") for name in processes),
    ]


def lacking(seen: Mapping[str, int]) -> list[str]:
    """Of what a run is to have had in it."""
    return [name for name in REQUIRED if not seen.get(name)]


def events(facts: dict[str, Any], samples: Sequence[Sample]) -> list[Verdict]:
    """What holds of any run, however short."""
    seen = facts.get("seen", {})
    made = max(1, seen.get("made", 0))
    missing = lacking(seen)
    whole = sum("missed" not in sample for sample in samples) / max(1, len(samples))
    left_out = sum(s.get("left_out", 0) for s in samples if s["phase"] == "steady")
    surprises, troubles = facts.get("surprises", []), seen.get("trouble", 0)
    deadlocks = max((sample.get("deadlocks") or 0 for sample in samples), default=0)
    cut = facts.get("cut")
    left, violations = facts.get("left"), facts.get("violations")
    return [
        Verdict("the run came to its end", cut is None, cut or "it did"),
        Verdict("all features took part", not missing, ", ".join(missing) or f"{len(REQUIRED)}"),
        Verdict(
            "every job came to its end",
            None if left is None else left == 0,
            "the run was cut short" if left is None else f"{left} are left",
        ),
        Verdict(
            "the invariants hold",
            None if violations is None else not violations,
            "the run was cut short" if violations is None else "; ".join(violations) or "all",
        ),
        Verdict("no deadlocks", deadlocks == 0, str(deadlocks)),
        Verdict("no process ended", not surprises, "; ".join(surprises)[:500] or "none"),
        Verdict(
            "calls of the load succeeded",
            troubles <= made / 10_000,
            f"{troubles} of those for {made:,} jobs failed",
        ),
        Verdict(
            "the load kept its pace",
            left_out <= made / 100,
            f"{left_out:,} jobs were not asked for in time",
        ),
        Verdict("samples are whole", whole >= WHOLE, f"{whole:.1%} of {len(samples)}"),
    ]


def judge(facts: dict[str, Any], samples: Sequence[Sample]) -> list[Verdict]:
    return [*events(facts, samples), *(flat.judge(samples) for flat in series(samples))]
