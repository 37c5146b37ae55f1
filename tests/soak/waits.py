"""Waits in buckets, each 5 % wider than the one before: small, and exact enough to judge."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping

LEAST = 0.0001  # seconds; what is shorter falls into the first bucket
GROWTH = math.log(1.05)


def bucket(seconds: float) -> int:
    """The number of the bucket that a wait falls into."""
    return max(0, math.ceil(math.log(max(seconds, LEAST) / LEAST) / GROWTH))


def longest(number: int) -> float:
    """The longest wait of a bucket, in seconds."""
    return LEAST * math.exp(number * GROWTH)


def percentile(counts: Mapping[int, int], share: float) -> float | None:
    """That share of the waits is no longer than this; None where nobody waited."""
    left = share * sum(counts.values())
    for number in sorted(counts):
        left -= counts[number]
        if left <= 0:
            return longest(number)
    return None


def together(many: list[Mapping[str, int]]) -> Counter[int]:
    """As they were written down, where keys are texts."""
    found: Counter[int] = Counter()
    for counts in many:
        for number, times in counts.items():
            found[int(number)] += times
    return found
