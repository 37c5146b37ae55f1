"""Which function runs which type of job."""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from forge.errors import InvalidArgument

Function = Callable[..., Any]

UNITS: Final = {"B": 1, "kB": 2**10, "MB": 2**20, "GB": 2**30}
LEAST_MEMORY: Final = 64 * 2**20  # Python with Forge takes half of them before it does anything


@dataclass(frozen=True, slots=True)
class Handler:
    """A function that takes a `Job`; `queue` is where its jobs go unless they name another.

    With `process` it runs in a process of its own, with at most `memory_limit` bytes.
    """

    type: str
    function: Function
    queue: str | None
    is_async: bool
    process: bool = False
    memory_limit: int | None = None


def _is_async(function: Function) -> bool:
    # A callable object counts by its __call__.
    call = getattr(function, "__call__", None)  # noqa: B004 - asked for itself, not whether it is
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(call)


def reference(function: Function) -> tuple[str, str]:
    """The module and name by which another process finds it. Raises `InvalidArgument`."""
    module, name = getattr(function, "__module__", None), getattr(function, "__qualname__", "")
    if not module or not name.isidentifier():
        raise InvalidArgument(
            "a process handler is found by its name",
            f"function={name or function!r}",
            "define it at the top of a module",
        )
    return module, name


def _limit(text: int | str, *, process: bool) -> int:
    """Bytes: a number, or one with kB, MB, GB (of 1024, as in PostgreSQL). `InvalidArgument`."""
    found = re.fullmatch(r"\s*(\d+)\s*([kMG]i?B)?\s*", str(text))
    size = int(found[1]) * UNITS[(found[2] or "B").replace("i", "")] if found else 0
    if not (process and size >= LEAST_MEMORY and sys.platform == "linux"):
        raise InvalidArgument(
            "memory_limit is not valid",
            f"memory_limit={text!r}",
            "use 64MB or more, with process=True, on Linux",
        )
    return size


class Registry(dict[str, Handler]):
    """Handlers by type."""

    def register(
        self,
        type: str,
        function: Function,
        queue: str | None = None,
        *,
        process: bool = False,
        memory_limit: int | str | None = None,
    ) -> None:
        """Raises `InvalidArgument` where the type has a handler already, or this cannot be one."""
        known = self.get(type)
        if known is not None and known.function is not function:
            raise InvalidArgument("a type has one handler", f"type={type}")
        if process:
            reference(function)
        limit = None if memory_limit is None else _limit(memory_limit, process=process)
        self[type] = Handler(type, function, queue, _is_async(function), process, limit)

    def queue_of(self, type: str) -> str | None:
        handler = self.get(type)
        return handler.queue if handler else None

    def queues(self) -> list[str]:
        """The queues that the handlers name, and `default` where one names none."""
        return list(dict.fromkeys(h.queue or "default" for h in self.values())) or ["default"]
