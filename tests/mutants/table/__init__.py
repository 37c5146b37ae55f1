"""All mutants, theme by theme."""

from __future__ import annotations

from tests.mutants.table import (
    by_time,
    claiming,
    enqueueing,
    finishing,
    flows,
    holding,
    limits,
    operating,
    rights,
)

MUTANTS = (
    *claiming.MUTANTS,
    *finishing.MUTANTS,
    *holding.MUTANTS,
    *enqueueing.MUTANTS,
    *limits.MUTANTS,
    *flows.MUTANTS,
    *by_time.MUTANTS,
    *operating.MUTANTS,
    *rights.MUTANTS,
)
