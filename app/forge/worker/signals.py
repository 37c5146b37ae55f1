"""SIGTERM and SIGINT: the first stops gracefully, the second at once.

Set by `signal.signal` and not in the event loop, as a handler that blocks the loop would block
the signal too. In that case the heart's thread ends the process when the time is up.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final

from forge.worker.heart import Heart

# What a stopping worker needs besides the grace period: handlers that clean up, the last calls.
MARGIN: Final = 6.0


class Signals:
    """What was heard; `status` is what the process should end with."""

    def __init__(self, heart: Heart, grace: float) -> None:
        self.stop = asyncio.Event()
        self.hurry = asyncio.Event()
        self.status = 0
        self._loop = asyncio.get_running_loop()
        self._heart = heart
        self._grace = grace
        self._heard = 0

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self._heard += 1
        if self._heard == 1:
            self._loop.call_soon_threadsafe(self.stop.set)
            self._heart.end_process_in(self._grace + MARGIN, 0)
        elif self._heard == 2:
            self.status = 128 + number  # as a shell tells of a program that a signal ended
            self._loop.call_soon_threadsafe(self.hurry.set)
            self._heart.end_process_in(MARGIN, self.status)

    @contextmanager
    def installed(self) -> Iterator[None]:
        numbers = (signal.SIGTERM, signal.SIGINT)
        before = {number: signal.signal(number, self._on_signal) for number in numbers}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
