"""Jobs whose handler is an SQL function: make one, list them, run their jobs here and now."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from forge.calls.arguments import given
from forge.calls.caller import Caller
from forge.db import Connection
from forge.models import Run, SqlHandler


class SqlHandlerCalls(Caller):
    async def register_sql_handler(
        self,
        type: str,
        function: str,
        *,
        run_as: str | None = None,
        timeout: timedelta | None = None,  # noqa: ASYNC109 - of the jobs
        queue: str | None = None,
        connection: Connection | None = None,
    ) -> SqlHandler:
        """Makes an SQL function the handler of a type: any worker runs its jobs, and so does forge.run.

        It is done with the rights of the connection's login. Raises `InvalidArgument`.
        SQL: forge.register_sql_handler
        """  # noqa: E501
        arguments = given(type=type, function=function, run_as=run_as, timeout=timeout, queue=queue)
        return await self._one(SqlHandler, "register_sql_handler", connection, **arguments)

    async def unregister_sql_handler(
        self, type: str, *, connection: Connection | None = None
    ) -> bool:
        """Takes the SQL function off a type: its jobs stay PENDING until somebody else runs them.

        Returns whether there was one. SQL: forge.unregister_sql_handler
        """
        found: bool = await self._value("unregister_sql_handler", connection, type=type)
        return found

    async def list_sql_handlers(self) -> list[SqlHandler]:
        """The types whose jobs an SQL function runs.

        SQL: forge.list_sql_handlers
        """
        return await self._many(SqlHandler, "list_sql_handlers")

    async def run(
        self,
        queue: str | None = None,
        *,
        max_jobs: int | None = None,
        worker: str | None = None,
        types: Sequence[str] | None = None,
        time_limit: timedelta | None = None,
        connection: Connection | None = None,
    ) -> list[Run]:
        """Claims due jobs that have an SQL handler and runs them, here and now: a worker that needs nothing but psql.

        One transaction for all of them. Raises `InvalidArgument`, `WrongIsolation`. SQL: forge.run
        """  # noqa: E501
        arguments = given(
            queue=queue,
            max_jobs=max_jobs,
            worker=worker,
            types=None if types is None else list(types),
            time_limit=time_limit,
        )
        return await self._many(Run, "run", connection, **arguments)
