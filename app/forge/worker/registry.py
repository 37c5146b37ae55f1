"""Which function runs which type of job."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from forge.errors import InvalidArgument

Function = Callable[..., Any]


@dataclass(frozen=True, slots=True)
class Handler:
    """A function that takes a `Job`; `queue` is where its jobs go unless they name another."""

    type: str
    function: Function
    queue: str | None
    is_async: bool


def _is_async(function: Function) -> bool:
    # A callable object counts by its __call__.
    call = getattr(function, "__call__", None)  # noqa: B004 - asked for itself, not whether it is
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(call)


class Registry(dict[str, Handler]):
    """Handlers by type."""

    def register(self, type: str, function: Function, queue: str | None = None) -> None:
        """Raises `InvalidArgument` where the type has a handler already."""
        known = self.get(type)
        if known is not None and known.function is not function:
            raise InvalidArgument("a type has one handler", f"type={type}")
        self[type] = Handler(type, function, queue, _is_async(function))

    def queue_of(self, type: str) -> str | None:
        handler = self.get(type)
        return handler.queue if handler else None

    def queues(self) -> list[str]:
        """The queues that the handlers name, and `default` where one names none."""
        return list(dict.fromkeys(h.queue or "default" for h in self.values())) or ["default"]
