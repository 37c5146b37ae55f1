"""Clients that wait for jobs: in lines, of which one client at a time looks.

A line is those that wait at one queue for the same types. If one of them finds nothing, so would
the others; if it finds as much as it can take, the next one looks. So a line costs the database
what one worker costs, however long it is.
"""

from __future__ import annotations

import asyncio
import random
from collections import defaultdict, deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

from forge.api.bell import Bell
from forge.api.client import Client
from forge.api.problems import TooManyWaiting
from forge.sessions import Ear

MAX_WAITING: Final = 1_000
POLL_SECONDS: Final = 2.0
BUSY_POLL_SECONDS: Final = 0.01
SOON_SECONDS: Final = 0.01


class Line:
    """Those who wait at one queue for the same types."""

    def __init__(self, queue: str, bell: Bell) -> None:
        self.members = 0
        self._queue = queue
        self._bell = bell
        self._waiting: deque[asyncio.Future[bool]] = deque()
        self._again = False  # a nudge came while nobody waited: whoever looks may have missed a job
        self._in_vain = 0  # looks since the bell was hung, or a job found
        self._closed = False
        self._timer: asyncio.TimerHandle | None = None

    async def turn(self, seconds: float, client: Client) -> bool:
        """Waits for a turn to look. False when the time is over, the client gone or the API too."""
        if self._closed or seconds <= 0:
            return False
        turn: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        if self._again:
            self._again = False
            self.nudge()
        taken = False
        try:
            either: list[asyncio.Future[Any]] = [turn, client.gone]
            await asyncio.wait(either, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
            taken = turn.done() and turn.result() and await client.is_there()
        finally:
            if not turn.done():
                self._waiting.remove(turn)
            elif not taken:
                self.nudge()
        return taken

    def nudge(self) -> None:
        """There may be a job: the next one looks."""
        if self._waiting:
            self._waiting.popleft().set_result(True)
        else:
            self._again = True
        self._nudge_in(POLL_SECONDS)  # whatever becomes of this look, there is another one

    def looked(self, found: int, wanted: int) -> None:
        """To be told after each look, how many jobs it found of those that it wanted."""
        if self._closed:
            return
        self._in_vain = 0 if found else self._in_vain + 1
        if found == wanted:
            self.nudge()
            return
        busy = self._bell.is_busy(self._queue)
        self._nudge_in(BUSY_POLL_SECONDS if busy else POLL_SECONDS)
        if not busy and not self._bell.is_hung(self._queue):
            self._bell.hang(self._queue)

    def told(self, is_hung: bool) -> None:
        """The bell hangs, or it pays to look again: at once, then at longer and longer intervals,
        as the job that is due may be of a type that others run.
        """
        if is_hung:
            self._in_vain = 0
        else:
            soon = SOON_SECONDS * 2 ** min(self._in_vain - 2, 10) if self._in_vain > 1 else 0.0
            self._nudge_in(min(soon, POLL_SECONDS))

    def close(self) -> None:
        """Nobody waits any more."""
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()
        for turn in self._waiting:
            turn.set_result(False)
        self._waiting.clear()

    def _nudge_in(self, seconds: float) -> None:
        if self._closed:
            return
        if self._timer is not None:
            self._timer.cancel()
        seconds *= random.uniform(0.9, 1.1)  # noqa: S311 - spreads polls, hides nothing
        self._timer = asyncio.get_running_loop().call_later(seconds, self.nudge)


class WaitingRoom:
    """All lines, and the bell that wakes them."""

    def __init__(self, ear: Ear) -> None:
        self._lines: defaultdict[str, dict[frozenset[str] | None, Line]] = defaultdict(dict)
        self._bell = Bell(ear, wanted=self._lines.keys(), wake=self._wake, told=self._told)
        self._waiting = 0
        self._closed = False

    @contextmanager
    def line(self, queue: str, types: Sequence[str] | None) -> Iterator[Line]:
        """Stands in a line. Raises `TooManyWaiting`."""
        if self._waiting >= MAX_WAITING:
            raise TooManyWaiting(
                "too many workers are waiting", f"limit={MAX_WAITING}", "try again later"
            )
        key = None if types is None else frozenset(types)
        line = self._lines[queue].get(key)
        if line is None:
            line = self._lines[queue][key] = Line(queue, self._bell)
            if self._closed:
                line.close()
        line.members += 1
        self._waiting += 1
        try:
            yield line
        finally:
            line.members -= 1
            self._waiting -= 1
            if line.members == 0:
                line.close()
                del self._lines[queue][key]
                if not self._lines[queue]:
                    del self._lines[queue]

    def close(self) -> None:
        """Ends all waits."""
        self._closed = True
        for line in self._all():
            line.close()

    async def closed(self) -> None:
        """Ends all waits, and takes the bells down."""
        self.close()
        await self._bell.closed()

    def _all(self) -> list[Line]:
        return [line for lines in self._lines.values() for line in lines.values()]

    def _wake(self, queue: str) -> None:
        for line in self._lines.get(queue, {}).values():
            line.nudge()

    def _told(self, queue: str, is_hung: bool) -> None:
        for line in self._lines.get(queue, {}).values():
            line.told(is_hung)
