"""What an operator may call: change jobs, queues and policies."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from forge.calls.arguments import given
from forge.calls.caller import Caller
from forge.db import Connection
from forge.models import Change, QueueRow


class OperatorCalls(Caller):
    async def cancel(
        self, id: int, *, queue: str | None = None, connection: Connection | None = None
    ) -> Change:
        """Cancels a live job. One that runs is asked to stop, and is CANCELLED when its attempt ends in failure.

        Raises `JobNotFound`, `WrongStatus`. SQL: forge.cancel
        """  # noqa: E501
        return await self._one(Change, "cancel", connection, **given(id=id, queue=queue))

    async def retry(
        self, id: int, *, queue: str | None = None, connection: Connection | None = None
    ) -> Change:
        """Runs a job again, now: out of the dead-letter queue, after a cancellation, or instead of its backoff.

        Raises `JobNotFound`, `WrongStatus`. SQL: forge.retry
        """  # noqa: E501
        return await self._one(Change, "retry", connection, **given(id=id, queue=queue))

    async def discard(
        self, id: int, *, queue: str | None = None, connection: Connection | None = None
    ) -> Change:
        """Takes a job out of the dead-letter queue for good; the history keeps it, and retry can bring it back.

        Raises `JobNotFound`, `WrongStatus`. SQL: forge.discard
        """  # noqa: E501
        return await self._one(Change, "discard", connection, **given(id=id, queue=queue))

    async def pause(
        self, queue: str, *, reason: str | None = None, connection: Connection | None = None
    ) -> QueueRow:
        """Stops the claims from a queue. Jobs that run go on, and new ones are taken in.

        `reason` is shown until it is resumed. SQL: forge.pause
        """
        arguments = given(queue=queue, reason=reason)
        return await self._one(QueueRow, "pause", connection, **arguments)

    async def resume(self, queue: str, *, connection: Connection | None = None) -> QueueRow:
        """Lets a paused queue go on.

        SQL: forge.resume
        """
        return await self._one(QueueRow, "resume", connection, queue=queue)

    async def set_queue(
        self,
        queue: str,
        *,
        retry_base: timedelta | None = None,
        retry_factor: float | None = None,
        retry_cap: timedelta | None = None,
        retry_jitter: float | None = None,
        max_retries: int | None = None,
        keep_history: bool | None = None,
        keep_result: bool | None = None,
        unset: Sequence[str] = (),
        connection: Connection | None = None,
    ) -> QueueRow:
        """Changes the settings of a queue; they hold for its live jobs too.

        What is None stays; `unset` names the settings to put back to their default.
        Raises `InvalidArgument`. SQL: forge.set_queue
        """
        arguments: dict[str, Any] = given(
            queue=queue,
            retry_base=retry_base,
            retry_factor=retry_factor,
            retry_cap=retry_cap,
            retry_jitter=retry_jitter,
            max_retries=max_retries,
            keep_history=keep_history,
            keep_result=keep_result,
            unset=list(unset) or None,
        )
        return await self._one(QueueRow, "set_queue", connection, **arguments)

    async def index_payloads(self, tables: Sequence[str] | None = None) -> list[str]:
        """The statements to run for payloads to be indexed in these tables, and in no others; none where they are.

        `forge index-payloads` runs them. Raises `InvalidArgument`. SQL: forge.index_payloads
        """  # noqa: E501
        arguments = given(tables=None if tables is None else list(tables))
        return await self._values("index_payloads", **arguments)

    async def drop_queue(
        self,
        queue: str,
        *,
        after: int | None = None,
        max_jobs: int | None = None,
        connection: Connection | None = None,
    ) -> bool:
        """Removes a queue for good: its jobs, live, dead and finished, their keys, its settings and its numbers.

        Call it again until it returns True. Raises `InvalidArgument`. SQL: forge.drop_queue
        """  # noqa: E501
        arguments = given(queue=queue, after=after, max_jobs=max_jobs)
        gone: bool = await self._value("drop_queue", connection, **arguments)
        return gone
