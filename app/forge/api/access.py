"""Who may do what: the one table of roles and rights, and the guard that holds every route to it.

Least privilege: a producer enqueues and follows up a job whose id it knows, but lists nothing; a
worker has no use for the routes of people. Only an operator sees secrets in payloads, and a worker
those of the jobs that it runs and of their parents.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler
from msgspec import Struct

from forge.api.problems import Forbidden, Unauthorized


class Right(StrEnum):
    """What a route asks for; `opt={"right": ...}` of the route says which, None means anyone."""

    SESSION = "session"
    READ = "read"
    READ_JOB = "read_job"
    READ_PARENTS = "read_parents"
    ENQUEUE = "enqueue"
    OPERATE = "operate"
    WORK = "work"


RIGHTS: Mapping[str, frozenset[Right]] = {
    "viewer": frozenset({Right.SESSION, Right.READ, Right.READ_JOB, Right.READ_PARENTS}),
    "producer": frozenset({Right.SESSION, Right.READ_JOB, Right.READ_PARENTS, Right.ENQUEUE}),
    "worker": frozenset({Right.SESSION, Right.READ_PARENTS, Right.WORK}),
    "operator": frozenset(Right),
}


class Access(Struct, frozen=True, kw_only=True):
    """The caller: its role."""

    role: str

    @property
    def rights(self) -> frozenset[Right]:
        return RIGHTS[self.role]

    @property
    def sees_secrets(self) -> bool:
        return self.role in ("operator", "worker")


def identify(tokens: Mapping[str, str], authorization: str | None) -> Access:
    """The caller behind an Authorization header. Without tokens everybody is an operator."""
    if not tokens:
        return Access(role="operator")
    scheme, _, sent = (authorization or "").partition(" ")
    role = None
    for token, its_role in tokens.items():  # all of them, so that time tells nothing
        if hmac.compare_digest(token.encode(), sent.strip().encode()):
            role = its_role
    if role is None or scheme.lower() != "bearer":
        raise Unauthorized(
            "a token is needed" if authorization is None else "this token is not known",
            None,
            "send the header `Authorization: Bearer <token>` with a token of FORGE_TOKENS",
        )
    return Access(role=role)


def make_guard(tokens: Mapping[str, str]) -> Any:
    """The guard of all routes. A route that names no right at all is open to operators only."""

    def authorise(
        connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler
    ) -> None:
        right = handler.opt.get("right", Right.OPERATE)
        if right is None or connection.scope.get("method") == "OPTIONS":
            return
        access = identify(tokens, connection.headers.get("authorization"))
        if right not in access.rights:
            raise Forbidden(
                "the role may not do this",
                f"role={access.role} right={right}",
                f"roles that may: {', '.join(r for r in RIGHTS if right in RIGHTS[r])}",
            )
        connection.state.access = access

    return authorise
