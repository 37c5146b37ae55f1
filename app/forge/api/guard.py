"""The guard of all routes: who is asking, how often, and whether it may."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler

from forge.api.access import RIGHTS, Access, Right
from forge.api.keeper import Keeper, hash_of
from forge.api.problems import Forbidden, TooManyRequests, Unauthorized
from forge.api.rates import FAILURES, Buckets, Standing, asked_for, neighbourhood
from forge.settings import Settings

MOST_REMEMBERED = 10_000
Connection = ASGIConnection[Any, Any, Any, Any]


class Guard:
    """Lets through whom it knows. A route that names no right at all is open to operators only."""

    def __init__(
        self, settings: Settings, keeper: Keeper, clock: Callable[[], float] = time.monotonic
    ) -> None:
        rate = asked_for(settings)
        self._keeper = keeper
        self._requests = None if rate is None else Buckets(rate, clock)
        self._failures = Buckets(FAILURES, clock)
        self._friends: OrderedDict[tuple[str, bytes], None] = OrderedDict()

    async def __call__(self, connection: Connection, handler: BaseRouteHandler) -> None:
        right = handler.opt.get("right", Right.OPERATE)
        address = neighbourhood(connection.client.host) if connection.client else ""
        if right is None or connection.scope.get("method") == "OPTIONS":
            self._count(connection, address)
            return
        try:
            access = await self.identify(connection.headers.get("authorization"), address)
        except Unauthorized:
            self._count(connection, address)
            raise
        connection.state.access = access
        self._count(connection, access.hash or address)
        if right not in access.rights:
            raise Forbidden(
                "the role may not do this",
                f"role={access.role} right={right}",
                f"roles that may: {', '.join(r for r in RIGHTS if right in RIGHTS[r])}",
            )

    async def identify(self, authorization: str | None, address: str) -> Access:
        """The caller behind an Authorization header. Without tokens everybody is an operator."""
        if not await self._keeper.needs_token():
            return Access(role="operator")
        scheme, _, token = (authorization or "").partition(" ")
        token = token.strip()
        if not token or scheme.lower() != "bearer":
            raise unknown("a token is needed")
        # Who guesses is not even heard after a while; a token that was good here before is, or one
        # stranger behind a proxy would shut out everybody behind it.
        friend = (address, hash_of(token))
        if friend not in self._friends and (empty := self._failures.is_empty(address)):
            raise _too_many("too many wrong tokens came from this address", empty)
        access = await self._keeper.who(token)
        if access is None:
            self._friends.pop(friend, None)
            self._failures.take(address)
            raise unknown("this token is not known")
        self._friends[friend] = None
        if len(self._friends) > MOST_REMEMBERED:
            self._friends.popitem(last=False)
        return access

    def _count(self, connection: Connection, caller: bytes | str) -> None:
        if self._requests is None:
            return
        connection.state.standing = standing = self._requests.take(caller)
        if not standing.allowed:
            raise _too_many("too many requests", standing)


def unknown(title: str) -> Unauthorized:
    """Who has no token that is known."""
    return Unauthorized(
        title,
        None,
        "send the header `Authorization: Bearer TOKEN`; `forge token create` makes one",
    )


def _too_many(title: str, standing: Standing) -> TooManyRequests:
    return TooManyRequests(
        title,
        f"limit={standing.rate.requests} window={standing.rate.seconds}s",
        "wait as long as Retry-After says",
        standing.retry_after,
    )
