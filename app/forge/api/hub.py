"""The newest picture of every topic, for any number of viewers.

No viewer has a queue: each knows which version of each topic it has sent and looks for newer ones
when it has sent them. A slow viewer therefore skips pictures instead of piling them up.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import suppress
from typing import Any

import msgspec

from forge.api.problems import TooManyViewers

MAX_VIEWERS = 200
BEAT_SECONDS = 15.0
_OPENING = b"retry: 2000\n\n"
_BEAT = b": beat\n\n"

Publish = Callable[[str, Any], None]


class Hub:
    """Runs the sampler while somebody watches, and hands its pictures out as frames."""

    def __init__(self, sampler: Callable[[Publish], Awaitable[None]]) -> None:
        self._sampler = sampler
        self._task: asyncio.Future[None] | None = None
        self._frames: dict[str, bytes] = {}
        self._changed = asyncio.Event()
        self._closed = False
        self.viewers = 0

    def admit(self) -> None:
        """Raises `TooManyViewers` when there is no room for one more."""
        if self.viewers >= MAX_VIEWERS:
            raise TooManyViewers(
                "too many viewers are watching", f"limit={MAX_VIEWERS}", "try again later"
            )

    def publish(self, topic: str, picture: Any) -> None:
        """Makes a picture the newest of its topic, if it differs from the one before."""
        frame = b"event: %b\ndata: %b\n\n" % (topic.encode(), msgspec.json.encode(picture))
        if self._frames.get(topic) == frame:
            return
        self._frames[topic] = frame
        self.wake()

    def wake(self) -> None:
        """Lets every stream look at what there is."""
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

    async def frames(self, welcome: Callable[[], bool] = lambda: True) -> AsyncGenerator[bytes]:
        """The stream of one viewer: all topics, then what changes, and a beat when nothing does.

        It ends when the viewer is not `welcome` any longer; `wake` makes it ask.
        """
        self._enter()
        sent: dict[str, bytes] = {}
        try:
            yield _OPENING
            while not self._closed and welcome():
                changed = self._changed
                for topic, frame in list(self._frames.items()):
                    if sent.get(topic) is not frame:
                        sent[topic] = frame
                        yield frame
                try:
                    async with asyncio.timeout(BEAT_SECONDS):
                        await changed.wait()
                except TimeoutError:
                    yield _BEAT
        finally:
            self._leave()

    def _enter(self) -> None:
        self.viewers += 1
        if self._task is None:
            self._task = asyncio.ensure_future(self._sampler(self.publish))

    def _leave(self) -> None:
        self.viewers -= 1
        if self.viewers == 0 and self._task is not None:
            self._task.cancel()
            self._task = None
            self._frames.clear()  # old pictures are wrong pictures for the next one to come

    def close(self) -> None:
        """Ends every stream."""
        self._closed = True
        self._changed.set()

    async def closed(self) -> None:
        """Ends every stream and the sampler."""
        self.close()
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
