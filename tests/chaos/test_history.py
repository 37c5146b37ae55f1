"""Two minutes of everything at once, and the proof over all that was said and done."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.chaos.arena import FAULTS, SEGMENT
from tests.chaos.conftest import make_own
from tests.chaos.orders import ERRORS
from tests.chaos.run import chaos

# FORGE_CHAOS_SEED=n repeats a run; the faults and what each client does come from it.
SEED = int(os.environ.get("FORGE_CHAOS_SEED", "20"))
SECONDS = 85
JOBS = 1000
# What a run that proves something has been through.
SEEN = {
    (None, "PENDING", "enqueue"),
    (None, "WAITING", "enqueue"),
    (None, "WAITING", "open_batch"),
    ("WAITING", "PENDING", "complete"),
    ("WAITING", "PENDING", "tick"),
    ("PENDING", "PROCESSING", "dequeue"),
    ("PROCESSING", "COMPLETED", "complete"),
    ("PROCESSING", "PENDING", "fail"),
    ("PROCESSING", "DEAD", "fail"),
    ("PROCESSING", "PENDING", "release"),
    ("PROCESSING", "PENDING", "snooze"),
    ("PROCESSING", "PENDING", "tick"),
    ("PENDING", "CANCELLED", "cancel"),
    ("CANCELLED", "PENDING", "retry"),
    ("DEAD", "PENDING", "retry"),
    ("DEAD", "DEAD", "discard"),
}
# What attempts failed of: what handlers do, and who was lost.
FAILED_OF = {*ERRORS.values(), "RuntimeError", "WorkerLost", "LeaseExpired"}


@pytest.mark.long
@pytest.mark.timeout(400)
def test_nothing_is_lost_done_twice_or_out_of_order_whatever_breaks(tmp_path: Path) -> None:
    own = make_own(*SEGMENT)
    try:
        outcome = chaos(own, tmp_path, seed=SEED, seconds=SECONDS, least=JOBS)
    finally:
        own.remove()
    print(outcome)

    assert outcome.findings == []
    assert outcome.jobs >= JOBS
    assert outcome.unknown > 0
    assert outcome.swallowed > 0
    assert (outcome.panics > 0) == (outcome.faults["fill_the_disk"] > 0)
    assert "os._exit" in outcome.ends
    assert set(outcome.errors) >= FAILED_OF
    assert set(outcome.faults) == {fault.__name__ for _, fault in FAULTS}
    assert set(outcome.moves) >= SEEN
