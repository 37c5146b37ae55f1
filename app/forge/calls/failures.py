"""What becomes of failures: retry rules, the dead-letter queue by error, revivals of many jobs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Unpack

from forge.calls.arguments import as_json, given
from forge.calls.caller import Caller
from forge.calls.filters import DeadFilter, wanted
from forge.db import Connection
from forge.models import Change, DeadGroup, ErrorPrint, RetryRule, Revival, Revived


class FailureCalls(Caller):
    async def set_retry_rules(
        self,
        rules: Sequence[Mapping[str, Any]],
        *,
        queue: str | None = None,
        type: str | None = None,
        connection: Connection | None = None,
    ) -> list[RetryRule]:
        """Says what becomes of failures by the class of their error; it holds for live jobs too.

        `rules` has the keys that SQL names; intervals as text: `{"error_type": "RateLimited",
        "action": "retry", "retry_base": "1 minute"}`. Raises `InvalidArgument`.
        SQL: forge.set_retry_rules
        """
        arguments = given(rules=as_json("rules", list(rules)), queue=queue, type=type)
        return await self._many(RetryRule, "set_retry_rules", connection, **arguments)

    async def list_retry_rules(
        self, *, queue: str | None = None, type: str | None = None
    ) -> list[RetryRule]:
        """The retry rules, in the order in which a failure asks them; the rules of a job itself go before all.

        SQL: forge.list_retry_rules
        """  # noqa: E501
        return await self._many(RetryRule, "list_retry_rules", **given(queue=queue, type=type))

    async def fingerprint(self, error_type: str | None, error: str | None) -> ErrorPrint:
        """What an error has in common with others of its kind: a short hash, and the text that it is of.

        SQL: forge.fingerprint
        """  # noqa: E501
        return await self._one(ErrorPrint, "fingerprint", error_type=error_type, error=error)

    async def dead_groups(
        self, *, queue: str | None = None, type: str | None = None, max_rows: int | None = None
    ) -> list[DeadGroup]:
        """The dead-letter queue by error: jobs of one queue and type that died of the same, the latest group first.

        SQL: forge.dead_groups
        """  # noqa: E501
        arguments = given(queue=queue, type=type, max_rows=max_rows)
        return await self._many(DeadGroup, "dead_groups", **arguments)

    async def retry_dead(
        self,
        *,
        max_jobs: int | None = None,
        rate: float | None = None,
        canary: int | None = None,
        canary_within: timedelta | None = None,
        dry_run: bool | None = None,
        connection: Connection | None = None,
        **filter: Unpack[DeadFilter],
    ) -> list[Revived]:
        """Revives dead jobs that match a filter, oldest first, a bounded number at a time.

        Call it again until fewer than `max_jobs` come back; or give a `rate` in jobs a second, a
        `canary` or both, and the tick goes on: see `list_revivals`. Raises `InvalidArgument`.
        SQL: forge.retry_dead
        """
        arguments = given(
            max_jobs=max_jobs,
            rate=rate,
            canary=canary,
            canary_within=canary_within,
            dry_run=dry_run,
        )
        arguments |= wanted(filter)
        return await self._many(Revived, "retry_dead", connection, **arguments)

    async def discard_dead(
        self,
        *,
        max_jobs: int | None = None,
        dry_run: bool | None = None,
        connection: Connection | None = None,
        **filter: Unpack[DeadFilter],
    ) -> list[Change]:
        """Takes dead jobs that match a filter out of the dead-letter queue for good, a bounded number at a time.

        Call it again until fewer than `max_jobs` come back. Raises `InvalidArgument`.
        SQL: forge.discard_dead
        """  # noqa: E501
        arguments = given(max_jobs=max_jobs, dry_run=dry_run) | wanted(filter)
        return await self._many(Change, "discard_dead", connection, **arguments)

    async def list_revivals(
        self, *, before: int | None = None, max_rows: int | None = None
    ) -> list[Revival]:
        """Revivals of many dead jobs, the newest first; kept for 30 days after their end.

        SQL: forge.list_revivals
        """
        return await self._many(Revival, "list_revivals", **given(before=before, max_rows=max_rows))

    async def cancel_revival(
        self, id: int, *, connection: Connection | None = None
    ) -> Revival | None:
        """Ends a revival: the jobs that are not revived yet stay in the dead-letter queue.

        None where no revival has this id. SQL: forge.cancel_revival
        """
        found = await self._many(Revival, "cancel_revival", connection, id=id)
        return found[0] if found else None
