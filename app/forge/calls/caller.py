"""How a method of `Forge` reaches the database: the caller's connection, or one of the pool."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, Final, TypeVar

import psycopg

from forge.db import Connection, Pool, borrow, call, call_value, call_values, open_pool
from forge.errors import InvalidArgument, TryAgain
from forge.models import Row

R = TypeVar("R", bound=Row)
T = TypeVar("T")

DEADLOCK_OR_CONFLICT: Final = ("40P01", "40001")


class Caller:
    """Opens its pool at the first call that needs one, in the event loop of that call."""

    def __init__(self) -> None:
        self._pool: Pool | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._lock = asyncio.Lock()
        self._stack = AsyncExitStack()

    async def _open(self) -> Pool:
        loop = asyncio.get_running_loop()
        if self._pool is not None and self._loop is loop:
            return self._pool
        if self._loop is not loop:  # a pool and a lock belong to the loop that they were made in
            self._loop, self._pool = loop, None
            self._lock, self._stack = asyncio.Lock(), AsyncExitStack()
        async with self._lock:
            if self._pool is None:
                self._pool = await self._stack.enter_async_context(open_pool(self.dsn))
            return self._pool

    @property
    def dsn(self) -> str:
        """The database."""
        raise NotImplementedError

    async def close(self) -> None:
        """Closes the pool; the next call opens a new one."""
        self._pool = None
        await self._stack.aclose()

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """An autocommit connection of the pool. Raises `DatabaseUnavailable`."""
        async with borrow(await self._open()) as conn:
            yield conn

    async def _with(
        self, connection: Connection | None, work: Callable[[Connection], Awaitable[T]]
    ) -> T:
        if connection is not None:
            given: object = connection
            if isinstance(given, psycopg.Connection):
                raise InvalidArgument(
                    "the connection is not an AsyncConnection",
                    f"connection={type(given).__name__}",
                    "use enqueue_sync, or `select forge.enqueue(…)` on it",
                )
            return await work(connection)
        async with self.connection() as own:
            try:
                return await work(own)
            except TryAgain as error:
                # The statement was undone as a whole; once more is safe, and mostly succeeds.
                cause = error.__cause__
                if getattr(cause, "sqlstate", None) not in DEADLOCK_OR_CONFLICT:
                    raise
                return await work(own)

    async def _many(
        self, row: type[R], function: str, connection: Connection | None = None, /, **arguments: Any
    ) -> list[R]:
        return await self._with(connection, lambda conn: call(conn, function, row, **arguments))

    async def _one(
        self, row: type[R], function: str, connection: Connection | None = None, /, **arguments: Any
    ) -> R:
        (only,) = await self._many(row, function, connection, **arguments)
        return only

    async def _value(
        self, function: str, connection: Connection | None = None, /, **arguments: Any
    ) -> Any:
        return await self._with(connection, lambda conn: call_value(conn, function, **arguments))

    async def _values(
        self, function: str, connection: Connection | None = None, /, **arguments: Any
    ) -> list[Any]:
        return await self._with(connection, lambda conn: call_values(conn, function, **arguments))
