"""Limits: how many jobs of a queue, and of each key in it, run at once or start in an interval."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from forge.calls.arguments import given
from forge.calls.caller import Caller
from forge.db import Connection
from forge.models import LimitsRow


class LimitCalls(Caller):
    async def set_limits(
        self,
        queue: str,
        *,
        max_running: int | None = None,
        rate: int | None = None,
        per: timedelta | None = None,
        key_max_running: int | None = None,
        key_rate: int | None = None,
        key_per: timedelta | None = None,
        key_fifo: bool | None = None,
        unset: Sequence[str] = (),
        connection: Connection | None = None,
    ) -> LimitsRow:
        """Limits how many jobs of a queue, and of each concurrency_key in it, run at once or start in an interval.

        What is None stays; `unset` names the limits to take away.
        Raises `InvalidArgument`. SQL: forge.set_limits
        """  # noqa: E501
        arguments: dict[str, Any] = given(
            queue=queue,
            max_running=max_running,
            rate=rate,
            per=per,
            key_max_running=key_max_running,
            key_rate=key_rate,
            key_per=key_per,
            key_fifo=key_fifo,
            unset=list(unset) or None,
        )
        return await self._one(LimitsRow, "set_limits", connection, **arguments)

    async def list_limits(self, queue: str | None = None) -> list[LimitsRow]:
        """The queues that have limits.

        SQL: forge.list_limits
        """
        return await self._many(LimitsRow, "list_limits", **given(queue=queue))
