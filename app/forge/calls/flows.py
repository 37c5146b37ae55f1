"""Jobs that wait: for others, for a whole batch, for an SQL condition."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from forge.calls.arguments import as_json, given, zoned
from forge.calls.caller import Caller
from forge.db import Connection
from forge.models import Change, Child, Condition, Parent


class FlowCalls(Caller):
    async def parents(
        self,
        id: int,
        *,
        after: int | None = None,
        max_rows: int | None = None,
        connection: Connection | None = None,
    ) -> list[Parent]:
        """The jobs that a job depends on, with what came of them: for a handler that goes on from their results.

        `after` is the last id of the page before. Raises `InvalidArgument`. SQL: forge.parents
        """  # noqa: E501
        arguments = given(id=id, after=after, max_rows=max_rows)
        return await self._many(Parent, "parents", connection, **arguments)

    async def children(
        self, id: int, *, after: int | None = None, max_rows: int | None = None
    ) -> list[Child]:
        """The jobs that depend on a job, or did: with parents, the graph around it.

        `after` is the last id of the page before. Raises `InvalidArgument`. SQL: forge.children
        """
        arguments = given(id=id, after=after, max_rows=max_rows)
        return await self._many(Child, "children", **arguments)

    async def open_batch(
        self,
        type: str,
        payload: Any = None,
        *,
        queue: str | None = None,
        options: Mapping[str, Any] | None = None,
        connection: Connection | None = None,
    ) -> int:
        """Opens a batch: adds a callback job that becomes due when the batch is closed and all of its jobs have ended.

        Then `enqueue(…, batch=id)` adds jobs to it. Raises `InvalidArgument`, `PayloadTooLarge`.
        SQL: forge.open_batch
        """  # noqa: E501
        arguments = given(
            type=type,
            payload=as_json("payload", payload),
            queue=queue,
            options=_options(options),
        )
        id: int = await self._value("open_batch", connection, **arguments)
        return id

    async def close_batch(
        self, id: int, *, queue: str | None = None, connection: Connection | None = None
    ) -> Change:
        """Closes a batch: no more jobs come into it, and its callback runs when those that are in it have ended.

        Raises `JobNotFound`, `WrongStatus`. SQL: forge.close_batch
        """  # noqa: E501
        return await self._one(Change, "close_batch", connection, **given(id=id, queue=queue))

    async def enqueue_batch(
        self,
        jobs: Iterable[Mapping[str, Any]],
        type: str,
        payload: Any = None,
        *,
        queue: str | None = None,
        options: Mapping[str, Any] | None = None,
        connection: Connection | None = None,
    ) -> int:
        """Adds jobs and a callback that becomes due when all of them have ended, in one call.

        Each job is a mapping as in `enqueue_many`. Raises `InvalidArgument`, `PayloadTooLarge`.
        SQL: forge.enqueue_batch
        """
        rows = [{name: zoned(name, value) for name, value in job.items()} for job in jobs]
        arguments = given(
            jobs=as_json("jobs", rows),
            type=type,
            payload=as_json("payload", payload),
            queue=queue,
            options=_options(options),
        )
        id: int = await self._value("enqueue_batch", connection, **arguments)
        return id

    async def run_when(
        self,
        type: str,
        condition: str,
        payload: Any = None,
        *,
        queue: str | None = None,
        every: timedelta | None = None,
        deadline: datetime | None = None,
        on_deadline: str | None = None,
        options: Mapping[str, Any] | None = None,
        connection: Connection | None = None,
    ) -> int:
        """Adds a job that becomes due when an SQL condition holds.

        It is looked at with the rights of the role that connects here. Never put foreign text into
        `condition`. Raises `InvalidArgument`, `PayloadTooLarge`. SQL: forge.run_when
        """
        arguments = given(
            type=type,
            condition=condition,
            payload=as_json("payload", payload),
            queue=queue,
            every=every,
            deadline=deadline,
            on_deadline=on_deadline,
            options=_options(options),
        )
        id: int = await self._value("run_when", connection, **arguments)
        return id

    async def list_conditions(
        self, *, after: int | None = None, max_rows: int | None = None
    ) -> list[Condition]:
        """The conditions that jobs wait for.

        `after` is the last id of the page before. SQL: forge.list_conditions
        """
        arguments = given(after=after, max_rows=max_rows)
        return await self._many(Condition, "list_conditions", **arguments)


def _options(options: Mapping[str, Any] | None) -> Any:
    if options is None:
        return None
    return as_json("options", {name: zoned(name, value) for name, value in options.items()})
