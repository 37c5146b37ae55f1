"""Threads for handlers that are plain functions.

Daemon threads, unlike those of `concurrent.futures`: a handler that never returns must not keep
a stopping process alive. They are kept for the next job, so that what handlers store per thread
(a database connection) lasts.
"""

from __future__ import annotations

import asyncio
import contextvars
import sys
import threading
import traceback
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any

from forge.worker.context import JobContext

_Call = tuple[contextvars.Context, Callable[..., Any], JobContext, "asyncio.Future[Any]"]


class Threads:
    """As many threads as calls ever ran at once."""

    def __init__(self) -> None:
        self._calls: SimpleQueue[_Call] = SimpleQueue()
        self._idle = threading.Semaphore(0)

    async def run(
        self, variables: contextvars.Context, function: Callable[..., Any], context: JobContext
    ) -> Any:
        """Calls the function with the context's job in a thread, which has those variables."""
        future = asyncio.get_running_loop().create_future()
        self._calls.put((variables, function, context, future))
        if not self._idle.acquire(blocking=False):
            threading.Thread(target=self._serve, name="forge-handler", daemon=True).start()
        return await future

    def _serve(self) -> None:
        while True:
            variables, function, context, future = self._calls.get()
            context.apart = Thread()
            result, error = None, None
            try:
                result = variables.run(function, context.job)
            except BaseException as raised:
                error = raised
            context.apart = None
            self._idle.release()
            try:
                future.get_loop().call_soon_threadsafe(_settle, future, result, error)
            except RuntimeError:  # the loop is closed: nobody waits for this result any more
                return
            del variables, function, context, future, result, error


def _settle(future: asyncio.Future[Any], result: Any, error: BaseException | None) -> None:
    if future.done():
        return
    if isinstance(error, StopIteration):  # a future refuses it
        error = RuntimeError(f"the handler raised StopIteration: {error}")
    if error is None:
        future.set_result(result)
    else:
        future.set_exception(error)


class Thread:
    """The thread that makes it. Implements `context.Apart`."""

    kind = "thread"

    def __init__(self) -> None:
        self._ident = threading.get_ident()

    def tell(self, reason: str) -> None:
        """It sees `cancelled` by itself."""

    def kill(self) -> bool:
        return False  # Python has no way to

    def stack(self) -> str:
        frame = sys._current_frames().get(self._ident)
        return "" if frame is None else "".join(traceback.format_stack(frame))
