"""What queues and types take in: set by an operator, seen by a viewer."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from forge.calls.arguments import as_json, given
from forge.calls.caller import Caller
from forge.db import Connection
from forge.models import AdmissionRow, PayloadCheckRow


class AdmissionCalls(Caller):
    async def set_admission(
        self,
        queue: str,
        *,
        max_depth: int | None = None,
        on_full: str | None = None,
        defer_for: timedelta | None = None,
        unset: Sequence[str] = (),
        connection: Connection | None = None,
    ) -> AdmissionRow:
        """Limits how many jobs a queue takes in.

        What is None stays; `unset=["max_depth"]` takes the limit away. Raises `InvalidArgument`.
        SQL: forge.set_admission
        """
        arguments = given(
            queue=queue,
            max_depth=max_depth,
            on_full=on_full,
            defer_for=defer_for,
            unset=list(unset) or None,
        )
        return await self._one(AdmissionRow, "set_admission", connection, **arguments)

    async def list_admissions(self) -> list[AdmissionRow]:
        """The queues that take in a limited number of jobs, and about how deep they are.

        SQL: forge.list_admissions
        """
        return await self._many(AdmissionRow, "list_admissions")

    async def set_schema(
        self, type: str, schema: Any, *, connection: Connection | None = None
    ) -> PayloadCheckRow:
        """Holds the payloads of a type to a JSON Schema, from the next enqueue on.

        None removes it. Raises `InvalidArgument`, `PayloadTooLarge`. SQL: forge.set_schema
        """
        arguments = {"type": type, "schema": as_json("schema", schema)}
        return await self._one(PayloadCheckRow, "set_schema", connection, **arguments)

    async def set_check(
        self, type: str, function_name: str | None, *, connection: Connection | None = None
    ) -> PayloadCheckRow:
        """Holds the payloads of a type to a function of yours, from the next enqueue on.

        Only the owner of the schema may call it; None removes the function. Raises
        `InvalidArgument`. SQL: forge.set_check
        """
        arguments = {"type": type, "function_name": function_name}
        return await self._one(PayloadCheckRow, "set_check", connection, **arguments)

    async def list_payload_checks(self) -> list[PayloadCheckRow]:
        """What the payloads of types must keep to.

        SQL: forge.list_payload_checks
        """
        return await self._many(PayloadCheckRow, "list_payload_checks")
