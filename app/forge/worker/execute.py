"""Runs one job: calls its handler and decides which function of SQL hears of it.

Nothing here knows what a failure leads to; `forge.fail` does.
"""

from __future__ import annotations

import asyncio
import contextvars
import inspect
from collections.abc import Coroutine, Generator
from types import coroutine
from typing import Any, TypeVar

from msgspec import structs

from forge.documents import UnreadableDocument
from forge.errors import PermanentError
from forge.worker.context import LEASE_LOST, RELEASED, TIMED_OUT, JobContext, current
from forge.worker.outcome import Outcome
from forge.worker.processes import Processes
from forge.worker.registry import Handler
from forge.worker.threads import Threads
from forge.worker.verdict import FUNCTIONS, Delay, arguments, judge

T = TypeVar("T")


@coroutine
def _in_context(
    context: contextvars.Context, work: Coroutine[Any, Any, T]
) -> Generator[Any, Any, T]:
    """Awaits `work` in a context of its own without the price of a task of its own.

    What a handler binds to context variables stays with its job, while a handler that never waits
    costs no round through the event loop.
    """
    step: Any = work.send
    argument: Any = None
    while True:
        try:
            waits_for = context.run(step, argument)
        except StopIteration as end:
            result: T = end.value
            return result
        try:
            step, argument = work.send, (yield waits_for)
        except GeneratorExit:
            work.close()
            raise
        except BaseException as error:
            step, argument = work.throw, error


async def run_handler(
    context: JobContext,
    handler: Handler,
    threads: Threads,
    processes: Processes,
    task: asyncio.Task[Any],
) -> Any:
    """The handler's result, worked out in `task`, which is the current one.

    A job that was told to stop before it began is not begun.
    """
    if context.reason is not None:
        raise asyncio.CancelledError(context.reason)
    job = context.job
    if isinstance(job.payload, UnreadableDocument):
        raise PermanentError(f"the payload cannot be read: {job.payload.why}")
    if handler.process:
        return await processes.run(context, handler)
    variables = contextvars.copy_context()
    variables.run(current.set, context)
    if handler.is_async:
        context.task = task
        return await _in_context(variables, handler.function(job))
    result = await threads.run(variables, handler.function, context)
    if inspect.iscoroutine(result):  # a plain function around an async one
        context.task = task
        result = await _in_context(variables, result)
    return result


def outcome_of(context: JobContext, error: BaseException) -> Outcome | None:
    """What SQL is told of a handler that raised; nothing where another owner has the job."""
    if context.reason == LEASE_LOST:
        return None
    if context.reason == RELEASED:  # told to stop, it stopped, in whatever way
        return Outcome(context, "release", {})
    verdict = judge(error)
    told = isinstance(verdict, Delay) or not verdict.retryable or verdict.retry_in is not None
    if context.reason == TIMED_OUT and not told:  # what it says by itself goes before
        verdict = structs.replace(
            verdict,
            error=f"the attempt took longer than its timeout of {_span(context)}",
            error_type="Timeout",
        )
    return Outcome(context, FUNCTIONS[type(verdict)], arguments(verdict))


def _span(context: JobContext) -> str:
    timeout = context.job.timeout
    return "" if timeout is None else f"{timeout.total_seconds():g} s"
