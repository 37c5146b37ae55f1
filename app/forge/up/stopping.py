"""The signals that end `forge up`: the first gracefully, the second at once."""

from __future__ import annotations

import asyncio
import signal


class Stopping:
    """`asked` after the first signal, `hurried` after the second; `status` is the exit status."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()
        self.hurried = asyncio.Event()
        self.status = 0

    def listen(self) -> None:
        loop = asyncio.get_running_loop()
        numbers = [signal.SIGINT, signal.SIGTERM]
        # A closed terminal ends us, too, unless somebody said `nohup`.
        if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
            numbers.append(signal.SIGHUP)
        for number in numbers:
            loop.add_signal_handler(number, self._heard, number)

    def _heard(self, number: int) -> None:
        if not self.asked.is_set():
            self.asked.set()
        elif not self.hurried.is_set():
            self.status = 128 + number
            self.hurried.set()
