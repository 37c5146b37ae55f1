"""The inside of a child process: runs one job after another until its parent is gone."""

from __future__ import annotations

import asyncio
import contextvars
import ctypes
import faulthandler
import importlib
import inspect
import os
import resource
import runpy
import signal
import socket
import sys
import threading
from queue import SimpleQueue
from types import FrameType, ModuleType
from typing import Any, Final

from msgspec import Raw, structs

from forge.worker.clean import result_json
from forge.worker.context import JobContext, current, holders
from forge.worker.frames import (
    Done,
    Failed,
    Line,
    Progress,
    Run,
    Stack,
    Stop,
    Up,
    plain,
    read_down,
    up,
)
from forge.worker.threads import Thread
from forge.worker.verdict import Failure, judge

PR_SET_PDEATHSIG: Final = 1  # linux/prctl.h


def main(fd: int, parent: int, limit: int | None, program: str | None) -> None:
    """Serves the jobs that come over the socket `fd`; never returns."""
    _die_with(parent)
    faulthandler.enable()  # a crash says on stderr where
    for number in (signal.SIGINT, signal.SIGTERM):
        # They are for the worker, which tells. No SIG_IGN, which programs started here would keep.
        signal.signal(number, _not_for_us)
    connection = socket.socket(fileno=fd)
    connection.set_inheritable(False)
    child = Inside(connection, limit, program)
    threading.Thread(target=child.listen, name="forge-parent", daemon=True).start()
    child.serve()


def _not_for_us(number: int, frame: FrameType | None) -> None:
    pass


def _die_with(parent: int) -> None:
    """The kernel kills this process when its parent ends, whatever it does at that moment."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it ended before
        os._exit(1)


class Inside:
    """Implements `context.Reports`, and `context.Place`."""

    def __init__(self, connection: socket.socket, limit: int | None, program: str | None) -> None:
        self._connection = connection
        self._limit = limit
        self._program = program
        self._main = Thread()
        self._sending = threading.Lock()
        self._jobs: SimpleQueue[Run] = SimpleQueue()
        self._context: JobContext | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        holders[id(self)] = self

    def get(self, id: int) -> JobContext | None:
        """The job that runs, as a holder of jobs has it."""
        return self._context

    def listen(self) -> None:
        """Hears the parent, in a thread of its own; the end of the pipe is the end."""
        try:
            while True:
                message = read_down(self._read)
                if isinstance(message, Run):
                    self._jobs.put(message)
                else:
                    self._stop(message)
        finally:
            os.killpg(0, signal.SIGKILL)  # with what it has started: it leads its session

    def _read(self, length: int) -> bytes:
        parts = []
        while length:
            part = self._connection.recv(min(length, 1 << 20))
            if not part:
                raise EOFError
            parts.append(part)
            length -= len(part)
        return b"".join(parts)

    def _send(self, message: Up) -> None:
        with self._sending:
            self._connection.sendall(up(message))

    def _stop(self, message: Stop) -> None:
        context, loop = self._context, self._loop
        if context is None or loop is None:
            return
        self._send(Stack(text=self._main.stack()))
        context.tell(message.reason)
        loop.call_soon_threadsafe(context.cancel, message.reason)

    @property
    def reports(self) -> Inside:
        return self

    def stop(self, context: JobContext, reason: str) -> None:
        context.cancel(reason)

    def log(self, context: JobContext, level: str, message: str, data: Raw | None) -> None:
        self._send(Line(level=level, message=message, data=plain(data)))

    def progress(self, context: JobContext, value: float, note: str | None) -> None:
        self._send(Progress(value=value, note=note))

    def serve(self) -> None:
        """Runs jobs in the main thread, as libraries expect."""
        with asyncio.Runner() as runner:
            self._loop = runner.get_loop()
            self._limit_memory(self._limit)
            while True:
                order = self._jobs.get()
                context = self._context = JobContext(order.job)
                context.place = self
                answer = self._run(runner, order, context)
                self._context = None
                context.finished = True
                self._send(answer)
                del order, context, answer

    def _run(self, runner: asyncio.Runner, order: Run, context: JobContext) -> Done | Failed:
        variables = contextvars.copy_context()
        variables.run(current.set, context)
        try:
            function = self._find(order)
            result = variables.run(self._call, runner, function, context)
            kept = plain(result_json(result))
        except BaseException as error:
            out_of_memory = self._limit is not None and _is_memory_error(error)
            if out_of_memory:
                self._limit_memory(None)  # to be able to say so
            return self._failed(context, error, out_of_memory=out_of_memory)
        return Done(result=kept, acknowledged=context.acknowledged)

    def _call(self, runner: asyncio.Runner, function: Any, context: JobContext) -> Any:
        result = function(context.job)
        if inspect.iscoroutine(result):

            async def work() -> Any:
                context.task = asyncio.current_task()
                return await result

            return runner.run(work(), context=contextvars.copy_context())
        return result

    def _find(self, order: Run) -> Any:
        module = self._module(order.module)
        return getattr(module, order.name)

    def _module(self, name: str) -> ModuleType:
        if name != "__main__" or self._program is None:
            return importlib.import_module(name)
        if os.path.sep not in self._program:
            return importlib.import_module(self._program)
        known = sys.modules.get("__forge_main__")
        if known is None:
            known = ModuleType("__forge_main__")
            known.__dict__.update(runpy.run_path(self._program, run_name="__forge_main__"))
            sys.modules["__forge_main__"] = known
        return known

    def _failed(self, context: JobContext, error: BaseException, *, out_of_memory: bool) -> Failed:
        verdict = judge(error)
        if out_of_memory and isinstance(verdict, Failure):
            assert self._limit is not None
            verdict = structs.replace(
                verdict,
                error=f"the handler needed more than its memory limit of {self._limit >> 20} MB",
                error_type="MemoryLimit",
            )
        return Failed(verdict=verdict, acknowledged=context.acknowledged, worn=out_of_memory)

    def _limit_memory(self, limit: int | None) -> None:
        """RLIMIT_DATA: what a process may write to and shares with no other, counted by the kernel.

        RLIMIT_AS would count what is only reserved or mapped from files, and a look at the
        resident size now and then would come after the memory is gone.
        """
        if self._limit is not None:
            _, hard = resource.getrlimit(resource.RLIMIT_DATA)
            resource.setrlimit(resource.RLIMIT_DATA, (hard if limit is None else limit, hard))


def _is_memory_error(error: BaseException | None) -> bool:
    """Whether an error is, or came of, memory that was refused."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        if isinstance(error, MemoryError):
            return True
        seen.add(id(error))
        error = error.__cause__ or error.__context__
    return False
