"""`forge` on a machine whose clock is wrong: `python -m tests.chaos.wrong_clock FILE worker …`.

By as many seconds as the file says at the moment, so that the clock can be set while the worker
runs. What measures how long something takes goes on undisturbed, as it does on such a machine.
"""

from __future__ import annotations

import sys
import threading
import time
from pathlib import Path

import time_machine

from forge.cli import main

LOOK = 0.05  # seconds


def machine_time() -> float:
    """The clock of the machine, which all processes share, whatever is said here."""
    hatch = time_machine.escape_hatch
    return hatch.time.time() if hatch.is_travelling() else time.time()


def follow(path: Path) -> None:
    """All that Python is asked for the time of day is off by what the file says."""
    by = 0.0
    with time_machine.travel(time.time(), tick=True) as traveller:
        while True:
            said = float(path.read_text() or 0)
            traveller.shift(said - by)
            by = said
            time.sleep(LOOK)


if __name__ == "__main__":
    threading.Thread(target=follow, args=[Path(sys.argv.pop(1))], daemon=True).start()
    main()
