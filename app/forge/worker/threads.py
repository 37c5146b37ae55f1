"""Threads for handlers that are plain functions.

Daemon threads, unlike those of `concurrent.futures`: a handler that never returns must not keep
a stopping process alive. They are kept for the next job, so that what handlers store per thread
(a database connection) lasts.
"""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any

_Call = tuple[contextvars.Context, Callable[..., Any], Any, "asyncio.Future[Any]"]


class Threads:
    """As many threads as calls ever ran at once."""

    def __init__(self) -> None:
        self._calls: SimpleQueue[_Call] = SimpleQueue()
        self._idle = threading.Semaphore(0)

    async def run(
        self, context: contextvars.Context, function: Callable[..., Any], argument: Any
    ) -> Any:
        """Calls the function in a thread, within the given context."""
        future = asyncio.get_running_loop().create_future()
        self._calls.put((context, function, argument, future))
        if not self._idle.acquire(blocking=False):
            threading.Thread(target=self._serve, name="forge-handler", daemon=True).start()
        return await future

    def _serve(self) -> None:
        while True:
            context, function, argument, future = self._calls.get()
            result, error = None, None
            try:
                result = context.run(function, argument)
            except BaseException as raised:
                error = raised
            self._idle.release()
            try:
                future.get_loop().call_soon_threadsafe(_settle, future, result, error)
            except RuntimeError:  # the loop is closed: nobody waits for this result any more
                return
            del context, function, argument, future, result, error


def _settle(future: asyncio.Future[Any], result: Any, error: BaseException | None) -> None:
    if future.done():
        return
    if isinstance(error, StopIteration):  # a future refuses it
        error = RuntimeError(f"the handler raised StopIteration: {error}")
    if error is None:
        future.set_result(result)
    else:
        future.set_exception(error)
