"""Child processes for handlers that need one: a memory limit, an end by force, a life apart.

Started afresh and not forked: a fork would copy the worker's threads, locks and connections. Each
runs one job at a time and is kept for the next one; as many as such jobs ever ran at once.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import sys
from contextlib import suppress
from typing import Any, Final

import msgspec

from forge.worker.clean import TRACEBACK_LIMIT, clean_text
from forge.worker.context import JobContext
from forge.worker.frames import (
    Done,
    Failed,
    Line,
    Progress,
    Run,
    Stack,
    Stop,
    Up,
    down,
    raw,
    read_up,
)
from forge.worker.log import say
from forge.worker.registry import Handler, reference
from forge.worker.verdict import Failure, JudgedError

# The parent's own path, so that the child imports what the parent did.
START: Final = (
    "import sys; sys.path[:] = {path!r}; from forge.worker.child import main; "
    "main({fd}, {parent}, {limit!r}, {program!r})"
)
LAST_BREATH: Final = 1.0  # seconds between the end of a child's pipe and its own


class Child:
    """One process, from its start to its end. Implements `context.Apart`."""

    kind = "process"

    def __init__(self, limit: int | None) -> None:
        self.limit = limit
        self.ended = False
        self._killed = False
        self._stack = ""  # of the handler, when it was told to stop
        self._context: JobContext | None = None
        self._future: asyncio.Future[Any] | None = None

    async def start(self) -> None:
        """Raises `OSError` where there can be no more processes."""
        ours, theirs = socket.socketpair()
        try:
            code = START.format(
                path=sys.path,
                fd=theirs.fileno(),
                parent=os.getpid(),
                limit=self.limit,
                program=_program(),
            )
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-c", code),
                stdin=asyncio.subprocess.DEVNULL,
                pass_fds=(theirs.fileno(),),
                start_new_session=True,  # Ctrl-C is the worker's; and it is killed with its own
            )
            self._reader, self._writer = await asyncio.open_unix_connection(sock=ours)
        except BaseException:
            ours.close()
            raise
        finally:
            theirs.close()
        self._watching = asyncio.create_task(self._watch())

    async def _watch(self) -> None:
        reading = asyncio.create_task(self._read())
        exiting = asyncio.create_task(self._process.wait())
        await asyncio.wait({reading, exiting}, return_when=asyncio.FIRST_COMPLETED)
        self.ended = True
        # The other one follows, unless a process that the handler has forked holds the pipe open.
        await asyncio.wait({reading, exiting}, timeout=LAST_BREATH)
        reading.cancel()
        why = reading.exception() if reading.done() and not reading.cancelled() else None
        killed = self._killed
        self.kill()
        status = await exiting
        self._writer.close()
        if not killed:
            say(logging.ERROR, "process.died", pid=self._process.pid, status=status)
        if self._future is not None and not self._future.done():
            self._future.set_exception(JudgedError(self._death(status, why, killed=killed)))

    def _death(self, status: int, why: BaseException | None, *, killed: bool) -> Failure:
        told = f"exited with status {status}"
        if status < 0:
            told = f"was killed by {signal.Signals(-status).name}"
        if isinstance(why, msgspec.MsgspecError):
            told = f"sent what cannot be read ({why})"
        elif killed and self._context is not None and self._context.reason is not None:
            told = f"did not stop when told to ({self._context.reason}) and was killed"
        limit = f"; its memory limit is {self.limit >> 20} MB" if self.limit and status < 0 else ""
        return Failure(
            error=f"the process of the handler {told}{limit}",
            error_type="ProcessDied",
            traceback=self._stack or None,
        )

    async def _read(self) -> None:
        while True:
            try:
                self._take(await read_up(self._reader))
            except (asyncio.IncompleteReadError, ConnectionError, EOFError):
                return

    def _take(self, message: Up) -> None:
        context, future = self._context, self._future
        if context is None or future is None or future.done():
            return
        if isinstance(message, Done):
            context.acknowledged = message.acknowledged
            future.set_result(raw(message.result))
        elif isinstance(message, Failed):
            context.acknowledged = message.acknowledged
            self.ended = message.worn
            future.set_exception(JudgedError(message.verdict))
        elif isinstance(message, Line):
            if context.place is not None:
                data = raw(message.data)
                context.place.reports.log(context, message.level, message.message, data)
        elif isinstance(message, Progress):
            if context.place is not None:
                context.place.reports.progress(context, message.value, message.note)
        elif isinstance(message, Stack):
            self._stack = clean_text(message.text, TRACEBACK_LIMIT)

    async def run(self, context: JobContext, handler: Handler) -> Any:
        """The handler's result. Raises `JudgedError`."""
        self._context, self._future = context, asyncio.get_running_loop().create_future()
        context.apart, self._stack = self, ""
        module, name = reference(handler.function)
        message = Run(module=module, name=name, job=context.job)
        try:
            self._writer.write(down(message))
            return await self._future
        except asyncio.CancelledError:  # the worker has no more time for it
            self.kill()
            raise
        finally:
            context.apart = None
            self._context = self._future = None

    def tell(self, reason: str) -> None:
        self._writer.write(down(Stop(reason=reason)))

    def kill(self) -> bool:
        """Ends it at once, together with what it has started."""
        self._killed = self.ended = True
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        return True

    def stack(self) -> str:
        return self._stack

    async def close(self) -> None:
        self.kill()
        await self._watching


class Processes:
    """The children of one worker, by their memory limit; `size` of them at most wait for jobs."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._idle: list[Child] = []
        self._busy: set[Child] = set()

    async def run(self, context: JobContext, handler: Handler) -> Any:
        """Runs the handler in a child. Raises `JudgedError`, `OSError`."""
        child = self._take(handler.memory_limit)
        if child is None:
            child = Child(handler.memory_limit)
            await child.start()
            say(logging.DEBUG, "process.started", type=handler.type)
        self._busy.add(child)
        try:
            if context.reason is not None:  # meanwhile
                raise asyncio.CancelledError(context.reason)
            return await child.run(context, handler)
        finally:
            self._busy.discard(child)
            self._keep(child)

    def _take(self, limit: int | None) -> Child | None:
        self._idle = [child for child in self._idle if not child.ended]
        for child in reversed(self._idle):
            if child.limit == limit:
                self._idle.remove(child)
                return child
        return None

    def _keep(self, child: Child) -> None:
        if child.ended:
            child.kill()
            return
        self._idle.append(child)
        while len(self._idle) + len(self._busy) > self._size:
            self._idle.pop(0).kill()

    async def close(self) -> None:
        """Ends all of them."""
        children = [*self._idle, *self._busy]
        for child in children:
            child.kill()
        for child in children:
            await child.close()


def _program() -> str | None:
    """What the module `__main__` is to be imported from, where handlers are in it."""
    main = sys.modules["__main__"]
    spec = getattr(main, "__spec__", None)
    if spec is not None:
        return str(spec.name)
    path = getattr(main, "__file__", None)
    return None if path is None else os.path.abspath(path)
