"""Jobs made of what is changed in tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from forge.calls.arguments import as_json, given
from forge.calls.caller import Caller
from forge.db import Connection
from forge.models import TableChange


class ChangeCalls(Caller):
    async def on_change(
        self,
        relation: str,
        type: str,
        *,
        events: Sequence[str] | None = None,
        when_condition: str | None = None,
        key: str | None = None,
        debounce: timedelta | None = None,
        queue: str | None = None,
        priority: int | None = None,
        each: str | None = None,
        name: str | None = None,
        without: Sequence[str] | None = None,
        if_changed: Sequence[str] | None = None,
        concurrency_key: str | None = None,
        options: Mapping[str, Any] | None = None,
        on_error: str | None = None,
        connection: Connection | None = None,
    ) -> TableChange:
        """Makes a job of each row that is changed in a table, or of each statement, in the writer's transaction.

        The connection's login must own the table. `options` holds further parameters of enqueue.
        Raises `InvalidArgument`. SQL: forge.on_change
        """  # noqa: E501
        lists = {"events": events, "without": without, "if_changed": if_changed}
        arguments = given(
            relation=relation,
            type=type,
            when_condition=when_condition,
            key=key,
            debounce=debounce,
            queue=queue,
            priority=priority,
            each=each,
            name=name,
            concurrency_key=concurrency_key,
            options=as_json("options", options),
            on_error=on_error,
            **{name: list(value) for name, value in lists.items() if value is not None},
        )
        return await self._one(TableChange, "on_change", connection, **arguments)

    async def off_change(
        self,
        name: str | None = None,
        *,
        relation: str | None = None,
        connection: Connection | None = None,
    ) -> int:
        """Ends what on_change began: no more jobs of these changes; those there are stay. The caller owns the table.

        Returns how many triggers were dropped. SQL: forge.off_change
        """  # noqa: E501
        arguments = given(name=name, relation=relation)
        count: int = await self._value("off_change", connection, **arguments)
        return count

    async def list_changes(self) -> list[TableChange]:
        """The tables whose changes make jobs.

        SQL: forge.list_changes
        """
        return await self._many(TableChange, "list_changes")
